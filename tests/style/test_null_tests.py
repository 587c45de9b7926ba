#!/usr/bin/env python3
"""The finder of NULL tests, on one text for each kind of place."""

import unittest

import null_tests

REPLACED = {
    "if (p == NULL)": "if (!p)",
    "if (a->b[i].c != NULL)": "if (a->b[i].c)",
    "while ((p = next(p)) != NULL)": "while ((p = next(p)))",
    "if (*p == NULL || f(x, y) != NULL)": "if (!*p || f(x, y))",
    "int r = p == NULL ? 1 : 2;": "int r = !p ? 1 : 2;",
    "q = p != NULL ? *p : 0;": "q = p ? *p : 0;",
    "return p == NULL;": "return !p;",
    "for (p = a; p != NULL && &p->x == NULL; p++)": "for (p = a; p && !&p->x; p++)",
    "if ((p == NULL) == (q == NULL))": "if ((!p) == (!q))",
    "if (p + 1 == NULL)": "if (!(p + 1))",
    "if (node == nullptr)": "if (!node)",
    "ck_assert(p != NULL);": "ck_assert(p);",
}
KEPT = (
    "bool is_set = p != NULL;",
    "return p != NULL;",
    "if ((a == 0) == (p != NULL))",
    "f(p != NULL, 3);",
    '/* p == NULL */ s = "p == NULL"; // p == NULL',
    "p = NULL;",
)


class NullTests(unittest.TestCase):
    def test_replaced(self) -> None:
        for text, wanted in REPLACED.items():
            with self.subTest(text):
                self.assertEqual(null_tests.fixed(f"{text}\n"), f"{wanted}\n")

    def test_kept(self) -> None:
        for text in KEPT:
            with self.subTest(text):
                self.assertEqual(list(null_tests.find(f"{text}\n")), [])

    def test_lines(self) -> None:
        self.assertEqual([found.line for found in null_tests.find("a;\n\nif (p == NULL)\n;")], [3])


if __name__ == "__main__":
    unittest.main()
