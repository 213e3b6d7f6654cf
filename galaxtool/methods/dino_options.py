"""The settings that DINO has and other methods have not."""

from __future__ import annotations

from dataclasses import dataclass, fields

from galaxtool.errors import ConfigError
from galaxtool.training.task import Task


@dataclass(frozen=True, kw_only=True)
class DinoOptions:
    """The method's own settings.

    Parameters
    ----------
    rank : int
        Of LoRA; 0 trains all layers of the image tower instead.
    alpha : float
        LoRA's product counts alpha / rank times.
    dropout : float
        Of what goes into LoRA.
    out_dim : int
        Prototypes that views are compared by; the paper has 65536, for a million images.
    hidden_dim : int
        Width of the projection head.
    local_crops : int
        Crops of a part of each picture, besides the two global ones.
    student_temperature, teacher_temperature : float
    warmup_teacher_epochs : int
        In which the teacher's temperature goes up from 0.04, or from its own if that is lower.
    teacher_momentum : float
        What the teacher keeps of itself in a step, at first; it goes to 1.
    freeze_epochs : int
        At the start, in which the prototypes stay as they are.

    Raises
    ------
    ConfigError
        If a value is out of its range.
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
                "The options alpha and dropout of dino-lora are LoRA's, and with rank=0 there is none.",
                hint="Leave them out, or give --option rank=8.",
            )
        for name in ("alpha", "student_temperature", "teacher_temperature"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"The option {name} of dino-lora is {getattr(self, name)}; it must be above 0.")

    @classmethod
    def of(cls, task: Task) -> DinoOptions:
        """Take them from a task's options; what is not given has its default."""
        given = task.options.method
        return cls(**{field.name: given[field.name] for field in fields(cls) if field.name in given})
