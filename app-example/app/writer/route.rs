//! A body written by an async block, line by line.

use std::time::Duration;
use waystation::{Response, sleep};

pub async fn get() -> Response {
    Response::writer(|mut writer| async move {
        for second in (1..=3).rev() {
            writer.write(format!("{second}\n")).await?;
            sleep(Duration::from_millis(100)).await;
        }
        writer.write("lift-off\n").await
    })
}
