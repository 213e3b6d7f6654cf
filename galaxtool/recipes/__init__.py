"""Named settings of ``galaxtool finetune``."""
