"""The playbook language: model, parse, variables, templates, scheduler, runner, run."""
