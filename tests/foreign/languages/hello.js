// A component in JavaScript: StarlingMonkey's fetch event.
addEventListener("fetch", (event) => event.respondWith(answer(event.request)));

async function answer(request) {
  const { pathname } = new URL(request.url);
  return new Response(`JavaScript ${request.method} ${pathname} ${await request.text()}`, { headers: { "x-made-by": "componentize-js" } });
}
