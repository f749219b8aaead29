fn main() {
    println!("a command answers no requests");
}
