//! Tokens as a language model makes them: server-sent events in answer to a POST.

use serde::{Deserialize, Serialize};
use std::time::Duration;
use waystation::sse::{Event, Sse};
use waystation::{Error, Request, Result, StatusCode, sleep};

#[derive(Deserialize)]
struct Chat {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: String,
}

#[derive(Serialize)]
struct Delta<'a> {
    delta: &'a str,
}

pub async fn post(request: Request) -> Result<Sse> {
    let Chat { messages } = request.json().await?;
    let question = messages
        .into_iter()
        .rfind(|message| message.role == "user")
        .ok_or_else(|| Error::new(StatusCode::BAD_REQUEST, "no message of the role `user`"))?;
    Ok(Sse::writer(|mut events| async move {
        for token in model(&question.content) {
            events.send(Event::json(&Delta { delta: token })?).await?;
            sleep(Duration::from_millis(50)).await;
        }
        events.send(Event::data("[DONE]")).await
    }))
}

/// Stands in for a model: repeats the question, word by word.
fn model(question: &str) -> impl Iterator<Item = &str> {
    ["You ", "asked: "]
        .into_iter()
        .chain(question.split_inclusive(' '))
}
