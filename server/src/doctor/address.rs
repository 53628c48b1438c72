//! Whether the address can be served on, and who holds it if not.
#![expect(clippy::disallowed_methods, reason = "/proc is read by a command that serves nobody")]

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::finding::Finding;

const NAME: &str = "address";
/// Time limit for an answer of the process that holds the port.
const TIMEOUT: Duration = Duration::from_secs(3);

pub async fn checks(address: SocketAddr) -> Vec<Finding> {
    vec![match TcpListener::bind(address).await {
        Ok(_) => Finding::ok(NAME, format!("{address} is free")),
        Err(e) if e.kind() == ErrorKind::AddrInUse => {
            let ours = tokio::time::timeout(TIMEOUT, ask(address)).await;
            taken(address, ours.is_ok_and(|a| a.is_ok_and(|a| is_ours(&a))), holder(address.port()).as_deref())
        }
        Err(e) => refused(address, &e),
    }]
}

fn taken(address: SocketAddr, ours: bool, holder: Option<&str>) -> Finding {
    let by = holder.map_or_else(String::new, |h| format!(" ({h})"));
    if ours {
        return Finding::ok(
            NAME,
            format!("GuardianFlow already serves on {address}{by}; a second one needs another port"),
        );
    }
    let who = holder.map_or_else(|| "another program".to_owned(), str::to_owned);
    let other = SocketAddr::new(address.ip(), address.port().checked_add(1).unwrap_or(3_000));
    Finding::error(
        NAME,
        format!("{address} is used by {who}"),
        format!("Stop that program, or choose another port with --addr or GF_ADDR, such as {other}."),
    )
}

fn refused(address: SocketAddr, e: &io::Error) -> Finding {
    let (seen, cure) = match e.kind() {
        ErrorKind::PermissionDenied => (
            format!("{address} may not be used by this user: permission denied"),
            "Ports below 1024 are for root: choose a higher one with --addr or GF_ADDR, and put a proxy in front.",
        ),
        ErrorKind::AddrNotAvailable => (
            format!("this machine has no address {}", address.ip()),
            "Use an address of this machine in --addr or GF_ADDR: 127.0.0.1, or 0.0.0.0 for all of them.",
        ),
        _ => (format!("{address} cannot be served on: {e}"), "Choose another address with --addr or GF_ADDR."),
    };
    Finding::error(NAME, seen, cure)
}

/// What the holder of the address answers to a request for `/healthz`.
async fn ask(address: SocketAddr) -> io::Result<String> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let mut stream = TcpStream::connect((ip, address.port())).await?;
    // The one name that a server of ours always knows.
    let request = format!("GET /healthz HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n", address.port());
    stream.write_all(request.as_bytes()).await?;
    let mut answer = vec![];
    stream.take(8_192).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Whether an answer to `/healthz` is one of ours.
fn is_ours(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    head.starts_with("HTTP/1.1 200") && head.contains("x-request-id: ") && body == "ok\n"
}

/// The process that listens on a port, where the operating system tells.
fn holder(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|t| std::fs::read_to_string(t).unwrap_or_default());
    let inodes: Vec<String> = tables.iter().flat_map(|t| listening(t, port)).collect();
    let sockets: Vec<String> = inodes.iter().map(|i| format!("socket:[{i}]")).collect();
    if sockets.is_empty() {
        return None;
    }
    let holds = |process: &std::path::Path| {
        let files = std::fs::read_dir(process.join("fd")).ok()?;
        let mut links = files.flatten().filter_map(|f| std::fs::read_link(f.path()).ok());
        links.any(|l| l.to_str().is_some_and(|l| sockets.iter().any(|s| s == l))).then_some(())
    };
    let processes = std::fs::read_dir("/proc").ok()?.flatten().map(|p| p.path());
    let numbered = |p: &std::path::PathBuf| p.file_name()?.to_str()?.parse::<u32>().ok();
    let (path, id) = processes.filter_map(|p| numbered(&p).map(|id| (p, id))).find(|(p, _)| holds(p).is_some())?;
    let name = std::fs::read_to_string(path.join("comm")).unwrap_or_default();
    Some(format!("process {id}, {}", name.trim()))
}

/// Numbers of the sockets that listen on a port, of a table of the kernel.
fn listening(table: &str, port: u16) -> Vec<String> {
    const LISTENS: &str = "0A";
    let socket = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let local = words.get(1)?.rsplit_once(':')?.1;
        let is_it = u16::from_str_radix(local, 16) == Ok(port) && *words.get(3)? == LISTENS;
        is_it.then(|| words.get(9).map(ToString::to_string)).flatten()
    };
    table.lines().filter_map(socket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::CheckStatus;

    #[test]
    fn our_answer_is_known_and_nobody_elses() {
        assert!(is_ours("HTTP/1.1 200 OK\r\ncontent-length: 3\r\nx-request-id: 87f7\r\n\r\nok\n"));
        for other in [
            "",
            "ok\n",
            "HTTP/1.1 404 Not Found\r\nx-request-id: 1\r\n\r\nok\n",
            "HTTP/1.1 200 OK\r\nserver: nginx\r\n\r\nok\n",
        ] {
            assert!(!is_ours(other), "{other:?}");
        }
    }

    #[test]
    fn only_listening_sockets_of_the_port_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
            0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n   \
            1: 0100007F:0BB8 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 4712 1\n   \
            2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1\n";
        assert_eq!((listening(table, 3_000), listening(table, 22)), (vec!["4711".to_owned()], vec!["4713".to_owned()]));
        assert_eq!(listening("nonsense", 22), Vec::<String>::new());
    }

    #[test]
    fn ours_is_fine_and_another_is_named_with_the_cure() {
        let address: SocketAddr = "127.0.0.1:3000".parse().expect("an address");
        assert_eq!(taken(address, true, None).state, CheckStatus::Ok);
        let other = taken(address, false, Some("process 7, nginx"));
        assert_eq!(other.state, CheckStatus::Error);
        assert!(other.seen.contains("process 7, nginx") && other.cure.is_some_and(|c| c.contains("127.0.0.1:3001")));
        let refused = refused(address, &ErrorKind::AddrNotAvailable.into());
        assert!(refused.seen.contains("no address 127.0.0.1"));
    }
}
