waystation::route! {
    pattern = "/",
    mod route {
        type Seconds = u32;

        pub const REVALIDATE: Seconds = 60;

        pub fn get() {}
    }
}

fn main() {}
