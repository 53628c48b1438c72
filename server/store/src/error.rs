//! What could not be done, and why, in the words of the product. Each database knows which of its codes mean what.

use domain::{Error, error::Sentence, say};

/// What was to be done.
#[derive(Debug, Clone, Copy)]
pub enum Doing<'a> {
    ReadManifest,
    WriteManifest,
    ReadLedger,
    WriteLedger,
    ReadPositions,
    WritePositions,
    /// By the database's name.
    Open(&'a str),
    Prepare(&'a str),
    Read(&'a str),
    Write(&'a str),
}

/// Why it was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    ReadOnly,
    /// The same of a file.
    ReadOnlyFile,
    Full,
    Busy,
    Damaged,
    NotOpened,
    Disk,
    Unreachable,
    Interrupted,
    NotReady,
    Password,
    NoDatabase,
    NotAllowed,
    TooMany,
    Tls,
    Refused,
}

impl Doing<'_> {
    fn failed(self, why: &Sentence) -> Sentence {
        let (en, ko) = (&why.en, why.korean());
        match self {
            Self::ReadManifest => say!("cannot read the manifest: {en}", "매니페스트를 읽을 수 없습니다: {ko}"),
            Self::WriteManifest => say!("cannot write the manifest: {en}", "매니페스트를 기록할 수 없습니다: {ko}"),
            Self::ReadLedger => say!("cannot read the ledger of sources: {en}", "소스 장부를 읽을 수 없습니다: {ko}"),
            Self::WriteLedger => {
                say!("cannot write the ledger of sources: {en}", "소스 장부를 기록할 수 없습니다: {ko}")
            }
            Self::ReadPositions => {
                say!("cannot read how far files were taken: {en}", "파일을 어디까지 읽었는지 확인할 수 없습니다: {ko}")
            }
            Self::WritePositions => {
                say!("cannot write how far files were taken: {en}", "파일을 어디까지 읽었는지 기록할 수 없습니다: {ko}")
            }
            Self::Open(name) => say!("cannot open {name}: {en}", "{name}을(를) 열 수 없습니다: {ko}"),
            Self::Prepare(name) => say!("cannot prepare {name}: {en}", "{name}을(를) 준비할 수 없습니다: {ko}"),
            Self::Read(name) => say!("cannot read {name}: {en}", "{name}을(를) 읽을 수 없습니다: {ko}"),
            Self::Write(name) => say!("cannot write {name}: {en}", "{name}에 기록할 수 없습니다: {ko}"),
        }
    }
}

impl Why {
    fn sentence(self) -> Sentence {
        match self {
            Self::ReadOnly => say!("the database is read-only", "데이터베이스가 읽기 전용입니다"),
            Self::ReadOnlyFile => {
                say!("the file or its folder is read-only", "파일 또는 폴더가 읽기 전용입니다")
            }
            Self::Full => say!("the disk is full", "디스크가 가득 찼습니다"),
            Self::Busy => say!("another process holds it", "다른 프로세스가 사용 중입니다"),
            Self::Damaged => say!("the file is damaged or no database", "파일이 손상되었거나 데이터베이스가 아닙니다"),
            Self::NotOpened => say!("it cannot be opened", "열 수 없습니다"),
            Self::Disk => say!("the disk reported an error", "디스크에서 오류가 보고되었습니다"),
            Self::Unreachable => {
                say!("the database server cannot be reached", "데이터베이스 서버에 연결할 수 없습니다")
            }
            Self::Interrupted => {
                say!("the connection to the database server broke off", "데이터베이스 서버와의 연결이 끊어졌습니다")
            }
            Self::NotReady => {
                say!("the database server is starting or stopping", "데이터베이스 서버가 시작 또는 종료 중입니다")
            }
            Self::Password => say!(
                "the database server does not accept the user or the password (set GF_DATABASE_PASSWORD_FILE, or PGPASSFILE to a file that only its owner can read)",
                "데이터베이스 서버가 사용자 또는 비밀번호를 받아들이지 않습니다(GF_DATABASE_PASSWORD_FILE, 또는 소유자만 읽을 수 있는 파일을 PGPASSFILE로 지정하세요)"
            ),
            Self::NoDatabase => say!(
                "the server has no database of this name; make it with createdb",
                "서버에 이 이름의 데이터베이스가 없습니다. createdb로 만드세요"
            ),
            Self::NotAllowed => {
                say!("the database user may not do this", "데이터베이스 사용자에게 이 작업의 권한이 없습니다")
            }
            Self::TooMany => {
                say!("the database server has no connection to spare", "데이터베이스 서버에 남은 연결이 없습니다")
            }
            Self::Tls => say!(
                "no encrypted connection that sslmode allows could be made",
                "sslmode가 허용하는 암호화된 연결을 만들 수 없습니다"
            ),
            Self::Refused => say!("the database refused", "데이터베이스가 거부했습니다"),
        }
    }
}

/// The error, with what the database said for the log.
pub fn cannot(doing: Doing<'_>, why: Why, e: impl ToString) -> Error {
    Error::unavailable(doing.failed(&why.sentence())).with_detail(e)
}

/// The tables are of a later program.
pub fn newer(name: &str, found: i64, ours: i64) -> Error {
    Error::unavailable(say!(
        "{name} has schema version {found}, made by a newer GuardianFlow; this one knows versions up to {ours}: use the newer program",
        "{name}의 스키마 버전은 더 새로운 GuardianFlow가 만든 {found}입니다. 이 프로그램은 버전 {ours}까지만 지원합니다. 더 새로운 프로그램을 사용하세요"
    ))
}
