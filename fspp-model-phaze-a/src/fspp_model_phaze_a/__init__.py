"""fspp-model-phaze-a."""
