DROP TABLE stages;
DROP TABLE epochs;
DROP TABLE masks;
