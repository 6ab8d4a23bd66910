"""Wires the chosen framework and serving SDK into the generated package, then removes what was not chosen.

Runs in the generated project. What it copies is plain Python and is copied as it is; whatever depends on an
answer is rendered by cookiecutter, not here. Bad answers never come this far: pre_gen_project.py refuses them.
"""

import json
import shutil
from pathlib import Path

#: The answers, as data: a JSON string is no Python and no Jinja, whatever it holds.
ANSWERS = r"""{{ cookiecutter | jsonify }}"""


def wire(project: Path, framework: str, sdk: str, overlays: list[str]) -> None:
    """Lay what all packages share, then the framework's files, then the SDK's, over the package.

    `overlays` are the folders of k8s/ that mean something to the SDK's clusters.
    """
    variants = project / "variants"
    package = project / f"{framework}server"
    for layer in (variants / "common", variants / "frameworks" / framework, variants / "sdks" / sdk):
        shutil.copytree(layer, package, dirs_exist_ok=True)
    shutil.copytree(variants / "samples" / sdk / framework, package / "example_models")
    shutil.copy(package / "example_models" / "0001" / "input.json", project / "input.json")
    shutil.copy(variants / "locks" / f"{framework}-{sdk}.lock", project / "requirements.lock")
    shutil.rmtree(variants)
    for folder in (project / "k8s").iterdir():
        if folder.name not in overlays:
            shutil.rmtree(folder)
    (project / "run_modelserver").chmod(0o755)


def next_steps(framework: str) -> str:
    """Say what to type next."""
    return f"""
Your package {framework}server is ready. Type next:

    cd {framework}
    make serve      # the sample model that came with it; ask it with `make predict` in a second terminal
    make train      # a model of your own, on sample data; README.md says how to use your CSV file
"""


def main() -> None:
    """Finish the project that cookiecutter rendered into the working directory."""
    answers = json.loads(ANSWERS)
    sdk = answers["serving_sdk"]
    wire(Path.cwd(), answers["framework_nm"], sdk, answers["_sdks"][sdk]["k8s"])
    print(next_steps(answers["framework_nm"]))


if __name__ == "__main__":
    main()
