"""Models: thin verbs over the likelihood engine, and the results they return."""
