INSERT INTO masks (id, position, name, category, summary) VALUES
    ('observer', 1, 'Observer', 'cognitive', 'Notices before judging.'),
    ('analyst', 2, 'Analyst', 'cognitive', 'Takes a thing apart to see how it works.'),
    ('strategist', 3, 'Strategist', 'cognitive', 'Thinks several moves ahead.'),
    ('synthesist', 4, 'Synthesist', 'cognitive', 'Joins what others keep apart.'),
    ('advocate', 5, 'Advocate', 'social', 'Speaks for someone else.'),
    ('mentor', 6, 'Mentor', 'social', 'Helps others grow.'),
    ('mediator', 7, 'Mediator', 'social', 'Finds what both sides can live with.'),
    ('host', 8, 'Host', 'social', 'Makes people feel at home.'),
    ('maker', 9, 'Maker', 'practical', 'Builds things that hold.'),
    ('mender', 10, 'Mender', 'practical', 'Repairs rather than replaces.'),
    ('steward', 11, 'Steward', 'practical', 'Looks after what is entrusted.'),
    ('operator', 12, 'Operator', 'practical', 'Keeps things running.'),
    ('explorer', 13, 'Explorer', 'creative', 'Goes where no map is.'),
    ('storyteller', 14, 'Storyteller', 'creative', 'Gives events a shape.'),
    ('performer', 15, 'Performer', 'creative', 'Is at home on a stage.'),
    ('dreamer', 16, 'Dreamer', 'creative', 'Sees what is not there yet.');
INSERT INTO epochs (id, position, name, summary) VALUES
    ('beginnings', 1, 'Beginnings', 'First steps.'),
    ('schooling', 2, 'Schooling', 'Learning from others.'),
    ('apprenticeship', 3, 'Apprenticeship', 'Learning by doing.'),
    ('wandering', 4, 'Wandering', 'Trying many things.'),
    ('building', 5, 'Building', 'Making something of one''s own.'),
    ('leading', 6, 'Leading', 'Making it possible for others.'),
    ('turning', 7, 'Turning', 'Starting again elsewhere.'),
    ('harvest', 8, 'Harvest', 'Passing on what was learnt.');
INSERT INTO stages (id, position, name, summary) VALUES
    ('call', 1, 'Call', 'Something asks for an answer.'),
    ('threshold', 2, 'Threshold', 'The first step that cannot be undone.'),
    ('trial', 3, 'Trial', 'It is harder than it looked.'),
    ('ally', 4, 'Ally', 'Help comes.'),
    ('descent', 5, 'Descent', 'The lowest point.'),
    ('insight', 6, 'Insight', 'What it was about becomes clear.'),
    ('return', 7, 'Return', 'Back, and changed.'),
    ('gift', 8, 'Gift', 'Something to give.');
INSERT INTO profiles (id, identity_id, slug, display_name) VALUES
    ('00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000101', 'first-light', 'First Light'),
    ('00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000102', 'second-wind', 'Second Wind');
INSERT INTO subscriptions (profile_id, tier) VALUES
    ('00000000-0000-4000-8000-000000000001', 'PRO'),
    ('00000000-0000-4000-8000-000000000002', 'FREE');
INSERT INTO profile_embeddings (profile_id, embedding) VALUES
    ('00000000-0000-4000-8000-000000000001', '{0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8}'::real[]),
    ('00000000-0000-4000-8000-000000000002', '{0.8,0.7,0.6,0.5,0.4,0.3,0.2,0.1}'::real[]);
INSERT INTO job_postings (title, company, location, keywords) VALUES
    ('Site Reliability Engineer', 'Lighthouse', 'remote', '{operations,python,postgresql}'),
    ('Platform Engineer', 'Harbour', 'remote', '{kubernetes,typescript,operations}'),
    ('Data Engineer', 'Tideline', 'Lisbon', '{python,postgresql,etl}'),
    ('Frontend Engineer', 'Breakwater', 'Bergen', '{typescript,react}'),
    ('Technical Writer', 'Logbook', 'remote', '{writing,documentation}'),
    ('Engineering Manager', 'Anchorage', 'Halifax', '{leadership,planning}');
