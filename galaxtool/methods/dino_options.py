"""The options of the method dino-lora."""

from __future__ import annotations

from dataclasses import dataclass, fields

from galaxtool.errors import ConfigError
from galaxtool.training.task import Task

_LORA = ("alpha", "dropout", "targets", "bias")


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
    targets, bias : str
        Matrices with adapters, and biases that train; see `galaxtool.methods.adapters.add_adapters`.
    head : {"train", "freeze"}
        Whether the weights of the projection head train. If they are frozen, its biases train if `bias` is ``all``.
    out_dim : int
        Number of prototypes; the paper has 65536, for a million images.
    hidden_dim : int
        Width of the projection head.
    local_crops : int
        Number of local crops of each picture, in addition to the two global ones.
    local_min, local_max : float
        Range of the fraction of the area that a local crop shows.
    student_temperature, teacher_temperature : float
        Temperatures of the softmax functions of student and teacher.
    warmup_teacher_epochs : int
        Number of epochs in which the teacher's temperature rises to its value, from 0.04 or from the value itself if
        that is lower.
    momentum : float
        Momentum of the teacher in the first step; it rises to 1.
    freeze_epochs : int
        Number of epochs at the start in which the prototypes are frozen.
    lr_warmup_epochs : float
        Number of epochs in which the learning rate rises from 0; 0 for the usual start of a stage.
    weight_decay_end : float
        Weight decay at the end, to which it goes by half a cosine; -1 for a constant one.

    Raises
    ------
    ConfigError
        If a value is out of range.
    """

    rank: int = 8
    alpha: float = 16.0
    dropout: float = 0.0
    targets: str = "all"
    bias: str = "none"
    head: str = "train"
    out_dim: int = 4096
    hidden_dim: int = 2048
    local_crops: int = 6
    local_min: float = 0.1
    local_max: float = 0.4
    student_temperature: float = 0.1
    teacher_temperature: float = 0.07
    warmup_teacher_epochs: int = 10
    momentum: float = 0.996
    freeze_epochs: int = 1
    lr_warmup_epochs: float = 0.0
    weight_decay_end: float = -1.0

    def __post_init__(self) -> None:
        ranges = {
            "rank": (0, None), "local_crops": (0, None), "warmup_teacher_epochs": (0, None), "freeze_epochs": (0, None),
            "out_dim": (2, None), "hidden_dim": (1, None), "dropout": (0, 1), "momentum": (0, 1),
            "local_min": (0, 1), "local_max": (0, 1), "lr_warmup_epochs": (0, None), "weight_decay_end": (-1, None),
        }  # fmt: skip
        for name, (least, most) in ranges.items():
            value = getattr(self, name)
            if not least <= value or (most is not None and not value <= most):
                wanted = f"at least {least}" if most is None else f"between {least} and {most}"
                raise ConfigError(f"The option {name} of dino-lora is {value}; it must be {wanted}.")
        lora = [name for name in _LORA if getattr(self, name) != getattr(DinoOptions, name)]
        if self.rank == 0 and lora:
            raise ConfigError(
                f"The options {', '.join(_LORA[:-1])} and {_LORA[-1]} of dino-lora are for LoRA, which rank=0 "
                "switches off.",
                hint="Leave them out, or give --option rank=8.",
            )
        if not 0 < self.local_min <= self.local_max:
            raise ConfigError(
                f"The options local_min and local_max of dino-lora are {self.local_min:g} and {self.local_max:g}.",
                hint="They are fractions of the area of the picture, and local_min is above 0 and the smaller one.",
            )
        if -1 < self.weight_decay_end < 0:
            raise ConfigError(
                f"The option weight_decay_end of dino-lora is {self.weight_decay_end}; it must be at least 0, or -1."
            )
        for name in ("alpha", "student_temperature", "teacher_temperature"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"The option {name} of dino-lora is {getattr(self, name)}; it must be above 0.")

    @classmethod
    def from_task(cls, task: Task) -> DinoOptions:
        """Return the options of a task, with defaults for those not given."""
        given = task.options.method
        options = cls(**{field.name: given[field.name] for field in fields(cls) if field.name in given})
        if options.lr_warmup_epochs >= task.options.epochs:
            raise ConfigError(
                f"The option lr_warmup_epochs of dino-lora is {options.lr_warmup_epochs:g}, and the training has "
                f"{task.options.epochs} epochs.",
                hint="Give fewer, or more --epochs.",
            )
        return options
