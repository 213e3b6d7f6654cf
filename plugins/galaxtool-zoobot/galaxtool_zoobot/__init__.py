"""Zoobot in galaxtool: encoders, catalogues, Galaxy Zoo questions, fine-tuned models, and its way of tuning."""
