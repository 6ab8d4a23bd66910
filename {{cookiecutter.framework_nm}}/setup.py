"""Packaging. What serving needs is in requirements.txt; training and development add to it here."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
LINES = (HERE / "requirements.txt").read_text(encoding="utf-8").splitlines()

setup(
    name="{{ cookiecutter.__package }}",
    version="0.1.0",
    description="Trains and serves a {{ cookiecutter._frameworks[cookiecutter.framework_nm].title }} model",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    packages=find_packages(),
    package_data={"": ["example_models/**/*"]},
    python_requires=">=3.11,<3.14",
    install_requires=[line for line in LINES if line and not line.startswith("#")],
    extras_require={
        "train": [
            "onnx==1.23.2",
            "pyarrow==26.0.1",
            "pydantic-settings==2.16.3",
            "rich==15.0.0",
            "scikit-learn==1.9.1",
{% for requirement in cookiecutter._frameworks[cookiecutter.framework_nm].train %}
            "{{ requirement }}",
{% endfor %}
        ],
        "dev": ["httpx==0.28.1", "matplotlib==3.11.2", "mypy==2.4.1", "pytest==9.2.0", "ruff==0.17.6", "uv==0.13.9"],
        "storage": ["kserve-storage==0.21.0"],
    },
)
