/** A part of a multipart/form-data body; its bytes are a view on the body. */
export interface FormPart {
  readonly name: string;
  /** Whether it has a filename, as what a form's file goes in has. */
  readonly isFile: boolean;
  readonly bytes: Buffer;
}

const lineEnd = '\r\n';
const headEnd = '\r\n\r\n';

/** The boundary that a content type names; undefined where it is no multipart/form-data. */
export function formBoundary(contentType: string | undefined): string | undefined {
  const match = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(
    contentType ?? '',
  );
  return match?.[1] ?? match?.[2];
}

/**
 * Takes a multipart/form-data body apart (RFC 7578, RFC 2046 section 5.1).
 *
 * @returns undefined where it is none: no boundary, a part without a name or an end
 */
export function readFormParts(body: Buffer, boundary: string): FormPart[] | undefined {
  const opening = `--${boundary}`;
  const between = `${lineEnd}${opening}`;
  const parts: FormPart[] = [];
  let at = body.indexOf(opening);
  // What precedes the first boundary is nobody's.
  if (at === -1 || (at > 0 && body.toString('latin1', at - 2, at) !== lineEnd)) return undefined;
  at += opening.length;
  while (body.toString('latin1', at, at + 2) !== '--') {
    const headStart = body.indexOf(lineEnd, at);
    const headStop = body.indexOf(headEnd, headStart);
    const next = headStop === -1 ? -1 : body.indexOf(between, headStop + 2);
    if (headStart === -1 || next === -1) return undefined;
    const head = body.toString('utf8', headStart, headStop);
    const name = partName(head);
    if (name === undefined) return undefined;
    // A part without content ends where its head does.
    parts.push({
      name,
      isFile: hasFilename(head),
      bytes: body.subarray(Math.min(headStop + headEnd.length, next), next),
    });
    at = next + between.length;
  }
  return parts;
}

function hasFilename(head: string): boolean {
  return /^content-disposition:[^\r]*;\s*filename\*?=/im.test(head);
}

function partName(head: string): string | undefined {
  const match = /^content-disposition:\s*form-data\s*;(?:.*?;)?\s*name="([^"]*)"/im.exec(head);
  return match?.[1]?.replaceAll('%22', '"').replaceAll('%0D', '\r').replaceAll('%0A', '\n');
}
