# src/python: the package for Python. What is installed of it is as it is here; pyproject.toml and setup.py are for pip.
PYTHON_FILES += src/python/quern/__init__.py
PYTHON_FILES += src/python/quern/_dataset.py
PYTHON_FILES += src/python/quern/_document.py
PYTHON_FILES += src/python/quern/_errors.py
PYTHON_FILES += src/python/quern/_expression.py
PYTHON_FILES += src/python/quern/_kernel.py
PYTHON_FILES += src/python/quern/_library.py
PYTHON_FILES += src/python/quern/_memory.py
PYTHON_FILES += src/python/quern/_progress.py
PYTHON_FILES += src/python/quern/_reductions.py
PYTHON_FILES += src/python/quern/_result.py
PYTHON_FILES += src/python/quern/_run.py
PYTHON_FILES += src/python/quern/_selection.py
PYTHON_FILES += src/python/quern/_session.py
PYTHON_FILES += src/python/quern/_tasks.py
PYTHON_FILES += src/python/quern/py.typed
PYTHON_FILES += src/python/quern/xarray.py
