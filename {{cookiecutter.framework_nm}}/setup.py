{% set sdk = cookiecutter._sdks[cookiecutter.serving_sdk] %}
{% set fw = cookiecutter._frameworks[cookiecutter.framework_nm] %}
{% set fw = dict(fw, **fw.get(cookiecutter.serving_sdk, {})) %}
"""Packaging. What serving needs is in requirements.txt; training and development add to it here."""

from pathlib import Path
from typing import List, Tuple

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
LINES = (HERE / "requirements.txt").read_text(encoding="utf-8").splitlines()
TESTING = ("conftest", "testing")


class WithoutTests(build_py):
    """Builds the package without its tests and what helps them, which need what only development installs."""

    def find_package_modules(self, package: str, package_dir: str) -> List[Tuple[str, str, str]]:
        """Find (package, module, file) of each module to install."""
        modules = super().find_package_modules(package, package_dir)
        return [found for found in modules if found[1] not in TESTING and not found[1].startswith("test_")]


setup(
    name="{{ cookiecutter.__package }}",
    version="0.1.0",
    description="Trains and serves a {{ fw.title }} model",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    packages=find_packages(),
    package_data={"": ["example_models/**/*", "py.typed", "_engine/**/*.html"]},
    entry_points={
        "console_scripts": [
            "{{ cookiecutter.__package }}-train = {{ cookiecutter.__package }}.trainer.__main__:main",
            "{{ cookiecutter.__package }}-score = {{ cookiecutter.__package }}.score:main",
            "{{ cookiecutter.__package }}-serve = {{ cookiecutter.__package }}.inferencer.__main__:main",
        ]
    },
    cmdclass={"build_py": WithoutTests},
    python_requires=">={{ cookiecutter.__pythons.split(", ")[0] }},<{{ cookiecutter.__python_end }}",
    install_requires=[line for line in LINES if line and not line.startswith("#")],
    extras_require={
        "train": [
{% for requirement in sdk.train + fw.train %}
            "{{ requirement }}",
{% endfor %}
        ],
        "dev": [
{% for requirement in sdk.dev + [cookiecutter._uv] %}
            "{{ requirement }}",
{% endfor %}
        ],
{% for name, requirements in dict(sdk.extras, **fw.extras) | dictsort %}
        "{{ name }}": ["{{ requirements | join('", "') }}"],
{% endfor %}
    },
)
