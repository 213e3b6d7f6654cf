"""The options of the method dino-lora."""

from __future__ import annotations

from dataclasses import dataclass, fields

from galaxtool.errors import ConfigError
from galaxtool.training.task import Task


@dataclass(frozen=True, kw_only=True)
class DinoOptions:
    """The options of the method dino-lora.

    Parameters
    ----------
    rank : int
        Rank of the LoRA adapters; 0 trains all layers of the image tower instead.
    alpha : float
        Scale of the LoRA product, which is multiplied by alpha / rank.
    dropout : float
        Dropout of the inputs of the LoRA adapters.
    out_dim : int
        Number of prototypes; the paper has 65536, for a million images.
    hidden_dim : int
        Width of the projection head.
    local_crops : int
        Number of local crops of each picture, in addition to the two global ones.
    student_temperature, teacher_temperature : float
        Temperatures of the softmax functions of student and teacher.
    warmup_teacher_epochs : int
        Number of epochs in which the teacher's temperature rises to its value, from 0.04 or from the value itself if
        that is lower.
    teacher_momentum : float
        Momentum of the teacher in the first step; it rises to 1.
    freeze_epochs : int
        Number of epochs at the start in which the prototypes are frozen.

    Raises
    ------
    ConfigError
        If a value is out of range.
    """

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    out_dim: int = 4096
    hidden_dim: int = 2048
    local_crops: int = 6
    student_temperature: float = 0.1
    teacher_temperature: float = 0.07
    warmup_teacher_epochs: int = 10
    teacher_momentum: float = 0.996
    freeze_epochs: int = 1

    def __post_init__(self) -> None:
        ranges = {
            "rank": (0, None), "local_crops": (0, None), "warmup_teacher_epochs": (0, None), "freeze_epochs": (0, None),
            "out_dim": (2, None), "hidden_dim": (1, None), "dropout": (0, 1), "teacher_momentum": (0, 1),
        }  # fmt: skip
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            if not least <= value or (most is not None and not value <= most):
                wanted = f"at least {least}" if most is None else f"between {least} and {most}"
                raise ConfigError(f"The option {name} of dino-lora is {value}; it must be {wanted}.")
        if self.rank == 0 and (self.alpha != DinoOptions.alpha or self.dropout != DinoOptions.dropout):
            raise ConfigError(
                "The options alpha and dropout of dino-lora are for LoRA, which rank=0 switches off.",
                hint="Leave them out, or give --option rank=8.",
            )
        for name in ("alpha", "student_temperature", "teacher_temperature"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"The option {name} of dino-lora is {getattr(self, name)}; it must be above 0.")

    @classmethod
    def from_task(cls, task: Task) -> DinoOptions:
        """Return the options of a task, with defaults for those not given."""
        given = task.options.method
        return cls(**{field.name: given[field.name] for field in fields(cls) if field.name in given})
