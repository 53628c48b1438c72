//! What a verdict means for whoever runs a command in a pipeline.

use std::process::ExitCode;

use domain::evidence::Verdict;

/// 0 for better or not worse, 4 for worse or unhealthy (also before the horizon), 3 where it is not known yet.
pub(super) fn exit_code(verdict: Verdict, provisional: bool) -> ExitCode {
    match verdict {
        Verdict::Worse | Verdict::Unhealthy => ExitCode::from(4),
        Verdict::Better | Verdict::NotWorse if !provisional => ExitCode::SUCCESS,
        Verdict::Better | Verdict::NotWorse | Verdict::NotDecisive => ExitCode::from(3),
    }
}
