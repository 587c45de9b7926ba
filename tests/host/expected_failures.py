"""Cases of the hostile hosts that fail, by language and name, and why nothing can be done about it
here. A case that passes in spite of its entry fails the suite."""

EXPECTED_FAILURES = {
    (
        "c++",
        "rounding_up",
    ): "arithmetic of lib/ follows the host's rounding mode; only that of the shim does not",
}
