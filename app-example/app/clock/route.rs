//! A stream that learns when its client leaves, and has a last word for the log.

use std::time::Duration;
use waystation::{Request, Response, sleep};

pub async fn get(request: Request) -> Response {
    let signal = request.signal();
    Response::writer(|mut writer| async move {
        let mut ticks = 0;
        while !signal.aborted() {
            ticks += 1;
            writer.write(format!("tick {ticks}\n")).await?;
            sleep(Duration::from_millis(200)).await;
        }
        println!("the client left after {ticks} ticks");
        Ok(())
    })
}
