// A route handler of Next's own, never kept.
export const dynamic = "force-dynamic";

export function GET() {
  return Response.json({ hello: "Waystation" });
}
