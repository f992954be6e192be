#!/usr/bin/env python3
# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
"""No target writes over the file of another one of the same run."""

import json
import os

from harness import FetcherTest, main
from servers import Server


class Names(FetcherTest):
    def test_what_is_known_to_collide_is_refused_before_anything_is_fetched(self):
        with Server() as server:
            at = server.url
            for output, arguments in [
                ("{name}", [at + "/a", at + "/b/a"]),
                ("{name}", [at + "/a?x=1", at + "/a?x=2"]),
                ("{host}/x", [at + "/a", at + "/b"]),
                ("{id}", ["--base-url", at, "1-3,2"]),
                ("{id}", ["--base-url", at, "a/b", "a_b"]),
                ("{n}{id}", ["--base-url", at, "11", "2-10", "1"]),
                ("{}", ["--base-url", at, "x" * 300 + "1", "x" * 300 + "2"]),
            ]:
                with self.subTest(output=output, arguments=arguments):
                    self.refuses("--output", "-o", "out/" + output, *arguments)
            self.refuses("'a'", "-o", "{name}", at + "/a", at + "/b/a")
            self.assertEqual(server.requests, [])
            self.assertEqual(os.listdir(self.directory), [])

    def test_of_a_list_the_first_one_has_the_file_and_the_second_one_fails(self):
        with Server() as server:
            lines = [{"id": 1, "url": server.url + "/a"}, {"id": 2, "url": server.url + "/b/a"},
                     {"id": 3, "url": server.url + "/c", "output": "a"},
                     {"id": 4, "url": server.url + "/d", "output": "sub/d"},
                     {"id": 5, "url": server.url + "/e", "output": "sub/d"},
                     {"id": 6, "url": server.url + "/f"}]
            done = self.fetch("--json", "-i", "-", "-o", "{name}",
                              stdin="\n".join(map(json.dumps, lines)).encode())
            self.assertEqual(done.code, 1, str(done))
            got = {each["id"]: each for each in done.objects()}
            self.assertEqual([n for n in "123456" if got[n]["ok"]], ["1", "4", "6"], str(done))
            self.assertIn("an earlier target has the file 'a' already", got["2"]["error"])
            self.assertEqual(json.loads(self.read("a")), {"path": "/a"})
            self.assertEqual(json.loads(self.read("sub", "d")), {"path": "/d"})
            self.assertEqual(len(server.requests), 3)

    def test_what_was_done_before_keeps_its_file(self):
        with Server() as server:
            text = f"{server.url}/a\n{server.url}/b/a\n".encode()
            arguments = ["-i", "-", "-o", "{name}", "--journal", "journal"]
            for code in [1, 3]:
                done = self.fetch(*arguments, stdin=text)
                self.assertIn("an earlier target has the file", done.out)
                self.assertEqual(json.loads(self.read("a")), {"path": "/a"})
            self.assertEqual([path for _, _, path in server.requests], ["/a"])

    def test_many_names_that_differ_are_all_written(self):
        with Server() as server:
            self.expect(0, "succeeded: 300 of 300", "--base-url", server.url + "/ok", "1-300", "-o", "d/{n}")
            self.assertEqual(len(os.listdir(self.path("d"))), 300)
            self.expect(0, "succeeded: 3 of 3", "--base-url", server.url, "1-3", "-o", "/dev/null")


main()
