"""The nouns of the verification suite: environment, check, looking, probes.

Nothing here knows pytest, Allure or Locust; `fixtures/` adapts these nouns to pytest,
`reports/` reads what a run left behind.
"""
