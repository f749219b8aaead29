waystation::route! {
    pattern = "/items/[slug]",
    mod route {
        use crate::Params;
        use waystation::Context;

        pub async fn get(context: Context<Params>) -> String {
            context.params.slag
        }
    }
}

fn main() {}
