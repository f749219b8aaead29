//! A body written by an async block, line by line, and a trailer: a header that comes after it.

use std::time::Duration;
use waystation::{Response, Result, sleep};

pub async fn get() -> Result<Response> {
    let mut response = Response::writer(|mut writer| async move {
        for second in (1..=3).rev() {
            writer.write(format!("{second}\n")).await?;
            sleep(Duration::from_millis(100)).await;
        }
        writer.write("lift-off\n").await?;
        writer.trailer("x-lines", 4)
    });
    response.headers_mut().insert("trailer", "x-lines".parse()?);
    Ok(response)
}
