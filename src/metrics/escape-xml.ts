/** Text as it may stand in XML and HTML, in an attribute's quotes, too. Control characters become `�`. */
export function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/\p{Cc}/gu, '\ufffd').replace(/[&<>"]/g, (c) => entities[c]!);
}
