"""What the tests have in common: unittest with lines for run.sh, and the command beside the package."""

import json
import os
import subprocess
import sys
import unittest

QUERN = os.environ["QUERN"]


def command(*arguments):
    """The document of the command `quern run`."""
    done = subprocess.run(
        [QUERN, "run", *arguments, "--json"], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


class _Lines(unittest.TestResult):
    """Lines "ok NAME", "not ok NAME" and "skip NAME # WHY", with # before what explains them."""

    def addSuccess(self, test):
        print("ok", self._name(test))

    def addSkip(self, test, reason):
        print("skip", self._name(test), "#", reason)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        print("not ok", self._name(test))
        print("\n".join("# " + line for line in self._exc_info_to_string(err, test).split("\n")))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err:
            self.addFailure(subtest, err)

    @staticmethod
    def _name(test):
        return test.shortDescription() or str(test)


def main():
    """Runs the tests of the module that is the program."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = suite.run(_Lines())
    sys.stdout.flush()
    sys.exit(not result.wasSuccessful())
