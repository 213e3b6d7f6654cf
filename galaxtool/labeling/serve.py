"""Open the page to label on: lock the log, open the objects, and serve."""

from __future__ import annotations

from galaxtool.errors import InputError
from galaxtool.labeling.api import LabelApi
from galaxtool.labeling.fit import check_labels, check_objects
from galaxtool.labeling.log import LabelLog
from galaxtool.labeling.options import LabelOptions
from galaxtool.labeling.renamed import describe_renamed, follow_images
from galaxtool.labeling.results import LabelResult
from galaxtool.labeling.session import LabelSession
from galaxtool.labeling.space import make_space
from galaxtool.labeling.start import read_earlier_labels, score_start
from galaxtool.labeling.state import make_result
from galaxtool.search.features import FeatureArgs, open_features
from galaxtool.types import Progress, warn
from galaxtool.utils.counts import format_count
from galaxtool.webserver.page_files import load_page_files
from galaxtool.webserver.routes import serve_files
from galaxtool.webserver.server import ServerOptions, WebServer

_PAGES = ("galaxtool.explorer.pages", "galaxtool.labeling.pages")  # the styles and scripts of `explore` are shared


def serve_label(args: FeatureArgs, options: LabelOptions, server: ServerOptions, progress: Progress) -> LabelResult:
    """Serve the page to label on; the result's `wait` serves until Ctrl-C."""
    log = LabelLog.open(options.output)
    web: WebServer | None = None
    try:
        check_labels(log.answers, options.question, str(options.output))
        if log.dropped:
            warn(progress, f"The last line of '{options.output}' was not finished, and was cut off.")
        web = WebServer(str(options.output), server, close=log.close)
        session = _open_session(args, options, log, progress)
        progress.start("Opening the page")
        files = load_page_files(*_PAGES)
        web.start([*serve_files(files, first="label.html"), *LabelApi(session).routes()], progress)
    except BaseException:
        if web is not None:
            web.stop()
        log.close()
        raise
    return make_result(session.features, options, log.answers, session.earlier, page=web.page)


def _open_session(args: FeatureArgs, options: LabelOptions, log: LabelLog, progress: Progress) -> LabelSession:
    features = open_features(args, progress)
    if not len(features):
        raise InputError(f"'{features.name}' is empty.", hint="Give an index of at least one image.")
    row_of = {name: row for row, name in enumerate(features.items["id"].to_pylist())}
    log.answers, renamed = follow_images(log.answers, row_of, features)
    describe_renamed(renamed, str(options.output), features.name, progress)
    missing = check_objects(log.answers, row_of, str(options.output), features.name)
    if missing:
        warn(progress, f"{format_count(missing, 'object')} of '{options.output}' that '{features.name}' does not have.")
    earlier = read_earlier_labels(features, options.start, options.question, progress)
    progress.start("Preparing the features")
    space = make_space(features.vectors)
    has_labels = any(answer.label for answer in log.answers) or bool(earlier)
    first = (
        space.points[:, 0] if has_labels else score_start(features, space, options.start, progress, seed=options.seed)
    )
    return LabelSession(features, space, log, options, first, earlier)
