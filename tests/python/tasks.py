"""verify, stage, unstage, homes, inspect, plan: documents of the commands as objects."""

import glob
import json
import os
import subprocess
import unittest

import report

import quern


def command(*arguments):
    done = subprocess.run([report.QUERN, *arguments, "--json"], capture_output=True, text=True)
    return json.loads(done.stdout)


class Tasks(unittest.TestCase):
    def test_inspect(self):
        """inspect is the command's"""
        found = quern.inspect("grid.h5", dataset="t")
        self.assertEqual(found, command("inspect", "-d", "t", "grid.h5"))
        self.assertEqual(found.datasets[0].shape, found["datasets"][0]["shape"])
        with self.assertRaisesRegex(AttributeError, "there are .*datasets"):
            found.nothing_like_it
        with self.assertRaisesRegex(quern.DataError, "none.h5"):
            quern.inspect("none.h5")

    def test_homes(self):
        """homes of the bytes of a dataset"""
        found = quern.homes("grid.h5", dataset="t")
        self.assertEqual(found.keys(), command("inspect", "--homes", "-d", "t", "grid.h5").keys())

    def test_verify(self):
        """verify counts chunks; damage is an exception that has the document"""
        quern.verify("climate.nc", write_sums="climate.sums")
        found = quern.verify("climate.nc", sums="climate.sums")
        self.assertEqual(found.files, command("verify", "--sums", "climate.sums", "climate.nc")["files"])
        self.assertTrue(all(d.damaged == 0 and d.summed for d in found.files[0].datasets))
        with open("climate.nc", "rb") as file:
            data = bytearray(file.read())
        data[len(data) // 2] ^= 64
        os.mkdir("damaged")
        with open("damaged/climate.nc", "wb") as file:
            file.write(data)
        with self.assertRaises(quern.DataError) as caught:
            quern.verify("damaged/climate.nc", sums="climate.sums")
        damaged = sum(d.damaged for d in caught.exception.document.files[0].datasets)
        self.assertEqual(damaged, 1)

    def test_stage(self):
        """what was staged is verified, reduced and removed"""
        want = quern.run("mean", "climate.nc", dataset="t2m").document["result"]
        staged = quern.stage("climate.nc", "staged", dataset="t2m")
        self.assertTrue(os.path.exists("staged/climate.nc"), staged)
        self.assertEqual(quern.run("mean", "staged/climate.nc", dataset="t2m").document["result"], want)
        quern.stage("staged/climate.nc", verify=True)
        shard = [f for f in glob.glob("staged/**", recursive=True) if os.path.isfile(f) and f != "staged/climate.nc"][0]
        os.remove(shard)
        with self.assertRaises(quern.DataError) as caught:
            quern.stage("staged/climate.nc", verify=True)
        self.assertTrue(caught.exception.document)
        quern.unstage("staged/climate.nc")
        self.assertFalse(os.path.exists("staged/climate.nc"))
        with self.assertRaisesRegex(quern.UsageError, "--to"):
            quern.stage("climate.nc")

    def test_plan(self):
        """plan, kernels and info have fields"""
        self.assertEqual(quern.plan("mean", "grid.h5", dataset="t").kernel, "mean")
        self.assertEqual(quern.info().quern, quern.__version__)
        self.assertTrue(quern.kernels("mean"))


report.main()
