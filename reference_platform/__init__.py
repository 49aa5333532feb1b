"""The reference platform: a small real platform to try the suite on, and its faults.

By hand: `python -m reference_platform up | down | status | faults | break | mend`.

In Python:

    from reference_platform.lifecycle import down, find, on_demand, sweep, up

    platform = up(Path(".reference"))       # returns when ready; stays up after this process
    find(Path(".reference"))                # the Platform that is up there, or None
    down(Path(".reference"))                # True when there was one

    with on_demand(Path(".reference")) as platform:   # for `--env=local`
        ...  # the one up in .reference, left up; else one of this process's own, taken down at the end

A `Platform` (`reference_platform.state`) has `state`, `environment` (the environment file to
judge it by), `env_file`, `settings` (ports, `url("api")`, `dsn`, `redis_url`, secrets),
`process("api")`, `describe()` (what `up --json` prints).

Errors that say what to do are `lifecycle.Trouble`: parts.UnknownPart, state.BadState,
opsverify.pgserver.Lacking, registry.Unusable, processes.Failed, waiting.NotInTime.

Faults (`reference_platform.faults`):

    from reference_platform.faults import FAULTS, fault

    one = fault("HLT-05:stopped")           # or "HLT-05": the first of that check
    one.failed                              # {"HLT-05[postgres]", ...}: these are then *failed*
    one.verb.blinds                         # {"postgres"}: other checks with these nouns could not look
    with one.applied(platform):             # broken inside, mended afterwards, also after an error
        ...

`break_(platform, one)`, `mend(platform)` and `mend(platform, one)` do the two halves, also from
different processes. `red.expected(one)` is the dictionary `{"HLT-05[postgres]": "failed", ...}`
of `faults --json`, computed from the checks that are collected.
"""
