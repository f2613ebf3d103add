"""The version is said once, in quern.h."""

import pathlib
import re

from setuptools import setup

header = pathlib.Path(__file__).resolve().parent.parent / "quern.h"
setup(version=re.search(r'^#define QUERN_VERSION\s+"(.*)"', header.read_text(), re.M).group(1))
