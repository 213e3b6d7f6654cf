"""The arguments that a ``config.json`` may pass to timm: those that describe an architecture.

``timm.create_model`` also takes arguments that open files and addresses, such as ``checkpoint_path``, whose pickles run
code. A description that came with somebody's weights gets none of these.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from galaxtool.errors import ModelError

ARCHITECTURE_ARGUMENTS = frozenset(
    """
    aa_layer aa_stem_only abs_win_pos_embed act_layer always_partition attn attn_act_layer attn_block
    attn_block_token_only attn_drop_rate attn_groups attn_head_dim_reduction attn_layer attn_mlp attn_mlp_ratio
    attn_only_layer_scale attn_pool_mlp_ratio attn_pool_num_heads attn_ratio attn_stage attn_type attn_types
    attn_upsample aux_logits avg_down base_dim base_dims base_width bidirectional block block_args block_cfg
    block_cls block_config block_fn block_layer block_layers block_layers_token block_reduce_first block_type bn_eps
    bn_momentum bn_size bn_tf bottle_ratio bottleneck_width_ratio cardinality ch_div channel_attention
    channel_attn_v2 channel_multiplier channels class_token cls_attn_layers cls_ratio conv_bias conv_init conv_layer
    conv_mlp conv_ratio cpe_act crop_scale crpe_window d2_scales deepen_factor depth depth_list depth_mult
    depth_token_only depths dim dim_mul dims distillation distilled down_kernel_size down_op down_ops down_pad
    down_patch_size down_stride downsample downsample_block downsample_expand_ratios downsample_kernel_size
    downsample_norm downsample_padding downsample_ratio downsamples drop_block_rate drop_block_size drop_path_rate
    drop_rate dw_act_layer dynamic_img_pad dynamic_img_size embed_dim embed_dims embed_layer embed_norm
    embed_norm_layer encoder_pool eta expand_groups expand_ratio expansion_ratio extra_norm_period extra_norm_stage
    fc_act_layer fc_norm feature_dim ffn ffn_ratio final_chs final_norm first_stride fix_init fix_stem focal_levels
    focal_windows fork_feat fused_conv fused_downsample global_att_blocks global_attn_indexes global_block_counts
    global_pool global_pos_size group groups growth_rate growth_rates head head_bias head_dim head_fn
    head_hidden_size head_init_scale head_mul head_norm head_norm_first head_widths hidden_sizes img_scale img_size
    inc_sec init_channels init_values initial_chs inner_dim inplanes input_3x3 intermediate_size is_downsample_block
    kernel_size kernel_sizes kernels key_dim layer_scale layer_scale_init_value layer_scale_init_values layers
    layerscale_value legacy levels linear lkc_use_act local_conv_size local_mbconv_norm local_up_to_layer
    locality_strength ls_init_value mask_unit_attn mask_unit_size mbconv_expand_ratio merge_size mix_block_ratio
    mlp_act mlp_bias mlp_block mlp_block_token_only mlp_layer mlp_ratio mlp_ratio_token_only mlp_ratios msfa_indices
    msfa_output_resolution multi_conv n_div neck_chans nlhb no_embed_class norm_eps norm_layer norm_layer_cl
    norm_layers normalize_modulator num_blocks num_blocks_list num_features num_heads num_heads_inner
    num_heads_outer num_init_features num_kv_heads num_levels num_reg_tokens num_rnn_layers num_vit out_features
    out_indices outlook_attention output_norm output_stride pad_type parallel_depth partial_dim patch_drop_rate
    patch_kernel patch_layer patch_norm patch_padding patch_size patch_sizes patch_stride pconv_fw_type
    pool_include_prefix pool_size pooling_kernel_size pooling_scale pos_drop_rate pos_embed pos_embed_grid_size
    pos_embs position_embedding_size post_layers pre_norm preact pretrained_window_sizes proj_bias proj_drop_rate
    q_pool q_stride qk_dim qk_norm qkv_bias qkv_fused reduction ref_feat_shape reg_tokens rel_pos_dim rel_pos_type
    reparam replace_stem_pool repmixer_kernel_size res_scale_init_values return_interm_layers rnn_layer
    rope_grid_indexing rope_grid_offset rope_jitter_coords rope_mrope_section rope_rescale_coords rope_rotate_half
    rope_shift_coords rope_temperature rope_theta rope_type round_chs_fn scale scale_attn_inner scale_attn_norm
    scale_mlp scale_mlp_norm se_downsamples se_from_exp se_layer se_ratio sep_pos_embed sequential_attn
    serial_depths shared_rel_pos shortcut_root small small_kernels spatial_conv sr_ratios ssd_expand stages
    standardize state_dim stem_bias stem_chs stem_expand_ratio stem_hidden_dim stem_kernel_size stem_mid_norm
    stem_norm stem_size stem_stride stem_type stem_use_scale_branch stem_width strict_img_size stride strides
    swiglu_align_to swiglu_mlp token_mixers tokens_norm transformer_depths transformer_drop_path
    transition_compression_ratio types use_abs_pos use_abs_pos_emb use_aux_head use_clipped_linears use_conv
    use_expand_proj use_fc_norm use_grn use_lab use_layer_scale use_mix_token use_mlp_head use_msfa use_overlap_down
    use_pos_emb use_pos_embed use_post_norm use_post_norm_in_modulation use_post_transformer_norm
    use_pre_transformer_norm use_rel_pos use_rel_pos_bias use_rope use_rot_pos_emb use_shared_rel_pos_bias v2
    version vit_stem weight_init widen_factor width width_factor width_list width_mult widths window_ratio
    window_size window_sizes window_spec with_fc wss zero_init_last
    """.split()  # noqa: SIM905
)

_WORD = re.compile(r"[A-Za-z0-9_+-]{0,32}")
_MOST_VALUES, _LARGEST = 256, 1e6


def check_arguments(arguments: Mapping[str, Any], file: object) -> dict[str, Any]:
    """Return the arguments of a description for ``timm.create_model``.

    Parameters
    ----------
    arguments : mapping
        Arguments as in the description.
    file : object
        The description, for messages.

    Raises
    ------
    ModelError
        If there is another argument than those of an architecture, or a value that is not one.
    """
    for name, value in arguments.items():
        if name not in ARCHITECTURE_ARGUMENTS:
            raise ModelError(
                f"'{file}' passes the argument {name!r} to timm, which does not describe an architecture.",
                hint="Remove it from model_args, if you trust the other contents of the folder.",
            )
        if not _is_plain(value):
            raise ModelError(f"'{file}' has a value for {name!r} in model_args that does not describe an architecture.")
    return dict(arguments)


def _is_plain(value: Any, deep: int = 0) -> bool:
    """Tell whether a value is a number, a word, or a short list of them."""
    if isinstance(value, list):
        return len(value) <= _MOST_VALUES and deep < 3 and all(_is_plain(one, deep + 1) for one in value)
    if isinstance(value, str):
        return _WORD.fullmatch(value) is not None
    if isinstance(value, bool) or value is None:
        return True
    return isinstance(value, int | float) and abs(value) <= _LARGEST and math.isfinite(value)
