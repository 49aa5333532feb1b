CREATE TABLE masks (
    id text PRIMARY KEY,
    position integer NOT NULL UNIQUE,
    name text NOT NULL,
    category text NOT NULL,
    summary text NOT NULL
);
CREATE TABLE epochs (
    id text PRIMARY KEY,
    position integer NOT NULL UNIQUE,
    name text NOT NULL,
    summary text NOT NULL
);
CREATE TABLE stages (
    id text PRIMARY KEY,
    position integer NOT NULL UNIQUE,
    name text NOT NULL,
    summary text NOT NULL
);
