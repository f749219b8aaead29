waystation::route! {
    pattern = "/",
    mod route {
        pub struct Item;

        pub async fn get() -> Item {
            Item
        }
    }
}

fn main() {}
