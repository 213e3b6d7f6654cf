#!/usr/bin/env bash
# Make a virtual environment with the lowest versions that pyproject.toml allows: install_lowest_dependencies.sh FOLDER
set -euo pipefail
folder=${1:?usage: install_lowest_dependencies.sh FOLDER}
cd "$(dirname "${BASH_SOURCE[0]}")/.."
uv venv --seed --python 3.11 "$folder"
# "lowest-direct" takes the lowest version of what pyproject.toml names, and the newest of what that needs in turn.
uv pip install --python "$folder/bin/python" --resolution lowest-direct --editable ".[dev]"
uv pip list --python "$folder/bin/python"
