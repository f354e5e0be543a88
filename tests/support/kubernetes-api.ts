// A Kubernetes API in memory, on loopback: claims and deployments, as far as Terraform's provider talks of them.
// It plays the two rules that decide about a home: a claim cannot shrink, and defaults come from the server.

import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

// biome-ignore lint/suspicious/noExplicitAny: objects of any kind
type Json = any;

const KINDS: Record<string, { group: string; kind: string }> = {
  persistentvolumeclaims: { group: "/api/v1", kind: "PersistentVolumeClaim" },
  deployments: { group: "/apis/apps/v1", kind: "Deployment" },
  networkpolicies: { group: "/apis/networking.k8s.io/v1", kind: "NetworkPolicy" },
};

export class KubernetesApi {
  private readonly objects = new Map<string, Json>();
  /** Every change: "POST persistentvolumeclaims/ns/name". */
  readonly changes: string[] = [];
  private readonly server = createServer((request, answer) => {
    this.answer(request).then(
      ({ status = 200, body }) => {
        answer.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
      },
      (error) => answer.writeHead(500).end(String(error)),
    );
  });

  static async start(): Promise<KubernetesApi> {
    const api = new KubernetesApi();
    await new Promise<void>((resolve) => api.server.listen(0, "127.0.0.1", resolve));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /** The one claim that is there. */
  claim(): Json {
    const [found, ...more] = [...this.objects].filter(([key]) => key.startsWith("persistentvolumeclaims/"));
    if (!found || more.length > 0) throw new Error(`${found ? 1 + more.length : 0} claims, not one`);
    return found[1];
  }

  /** What is there, to begin from it again with {@link restore}. */
  snapshot(): [string, Json][] {
    return structuredClone([...this.objects]);
  }

  restore(snapshot: [string, Json][]): void {
    this.objects.clear();
    for (const [key, object] of structuredClone(snapshot)) this.objects.set(key, object);
    this.changes.length = 0;
  }

  /** Somebody changes the size without Terraform. */
  grow(size: string): void {
    this.claim().spec.resources.requests.storage = size;
  }

  private async answer(request: IncomingMessage): Promise<{ status?: number; body: Json }> {
    const { pathname } = new URL(request.url!, "http://x");
    const match =
      /^(\/api\/v1|\/apis\/apps\/v1|\/apis\/networking\.k8s\.io\/v1)\/namespaces\/([^/]+)\/(\w+)(?:\/([^/]+))?$/.exec(
        pathname,
      );
    const [, group, namespace, plural = "", name] = match ?? [];
    const known = KINDS[plural];
    if (!known || known.group !== group) return failure(404, `no ${pathname}`);

    const text = await read(request);
    const key = (named: string) => `${plural}/${namespace}/${named}`;
    if (!name && request.method === "POST") {
      const object = this.defaults(plural, JSON.parse(text));
      object.metadata = {
        ...object.metadata,
        namespace,
        uid: randomUUID(),
        generation: 1,
        resourceVersion: "1",
      };
      if (this.objects.has(key(object.metadata.name))) return failure(409, "already exists");
      this.objects.set(key(object.metadata.name), object);
      this.changes.push(`POST ${key(object.metadata.name)}`);
      return { status: 201, body: object };
    }
    const object = name && this.objects.get(key(name));
    if (!object) return failure(404, `${plural} "${name}" not found`);
    if (request.method === "GET") return { body: object };
    if (request.method === "PATCH") {
      const patched = patch(structuredClone(object), JSON.parse(text));
      const size = (claim: Json) => bytes(claim.spec.resources.requests.storage);
      if (plural === "persistentvolumeclaims" && size(patched) < size(object))
        return failure(422, "field can not be less than previous value");
      patched.metadata.resourceVersion = String(Number(object.metadata.resourceVersion) + 1);
      this.objects.set(key(name!), patched);
      this.changes.push(`PATCH ${key(name!)}`);
      return { body: patched };
    }
    this.objects.delete(key(name!));
    this.changes.push(`DELETE ${key(name!)}`);
    return { body: { kind: "Status", apiVersion: "v1", status: "Success" } };
  }

  private defaults(plural: string, object: Json): Json {
    const { group, kind } = KINDS[plural]!;
    if (plural !== "persistentvolumeclaims")
      return { ...object, apiVersion: group.replace("/apis/", ""), kind };
    const spec = { volumeMode: "Filesystem", storageClassName: "standard", ...object.spec };
    return { ...object, apiVersion: "v1", kind: "PersistentVolumeClaim", spec, status: { phase: "Pending" } };
  }
}

const failure = (code: number, message: string) => ({
  status: code,
  body: {
    kind: "Status",
    apiVersion: "v1",
    status: "Failure",
    code,
    message,
    reason: { 404: "NotFound", 409: "AlreadyExists" }[code] ?? "Invalid",
  },
});

/** 38000Mi in bytes. */
function bytes(amount: string): number {
  const [, number, unit = ""] = /^([\d.]+(?:e\d+)?)([A-Za-z]*)$/.exec(amount) ?? [];
  const power = "kMGTPE".indexOf(unit.replace("K", "k").charAt(0)) + 1;
  return Number(number) * (unit === "" ? 1 : (unit.endsWith("i") ? 1024 : 1000) ** power);
}

async function read(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString("utf8");
}

/** JSON Patch (RFC 6902): add, replace, remove. */
function patch(object: Json, operations: { op: string; path: string; value?: Json }[]): Json {
  for (const { op, path, value } of operations) {
    const steps = path
      .split("/")
      .slice(1)
      .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = steps.pop()!;
    let at = object;
    for (const step of steps) at = at[step] ??= {};
    if (op === "remove") delete at[last];
    else at[last] = value;
  }
  return object;
}
