//! A form with files, read as it arrives: of each file a few kilobytes are held at once.

use waystation::{Request, Result};

pub async fn post(request: Request) -> Result<String> {
    let mut lines = String::new();
    let mut form = request.multipart()?;
    while let Some(mut field) = form.next_field().await? {
        let mut bytes = 0;
        while let Some(chunk) = field.chunk().await? {
            bytes += chunk.len();
        }
        let name = field.file_name().unwrap_or(field.name());
        lines += &format!("{name}: {bytes} bytes\n");
    }
    Ok(lines)
}
