DROP TABLE profile_embeddings;
