/*
 * Compiling a policy of one's own: every mistake is one line that names the file, and what was compiled
 * before is not compiled again.
 */

import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkDeclaration, listPolicies } from "../../src/engine/policies.ts";
import { POLICIES } from "../support/builds.ts";
import {
  classNameOf,
  compilePolicy,
  policyFolder,
  splitFileSpec,
  templateOf,
} from "../support/custom_policy.ts";

const { folder, cache, write } = policyFolder();
const TEMPLATE = templateOf("mine");

/** The template with one thing changed. */
function changed(from: string | RegExp, to: string): string {
  const text = TEMPLATE.replace(from, to);
  expect(text).not.toBe(TEMPLATE);
  return text;
}

async function messageFor(file: string): Promise<string> {
  // The debug build goes through the same steps and is compiled faster.
  const error = await compilePolicy(file, { target: "debug" }).then(
    () => expect.fail("it compiled"),
    (error: Error) => error,
  );
  expect(error.name, error.stack).toBe("UserError");
  expect(error.message).not.toContain("\n");
  return error.message;
}

const HAND = "let pfn = this.hand;";

/** What a file holds, and what is said about it after its name. */
const MISTAKES: [what: string, text: string, says: string | RegExp][] = [
  ["is empty", " \n", ": is empty"],
  ["does not parse", TEMPLATE.slice(0, -30), /:\d+:\d+: Unexpected end of text/],
  [
    "has a name that is not there",
    changed("this.hand = this", "this.hnd = this"),
    ":67:10: Property 'hnd' does not exist on type 'MinePolicy'",
  ],
  ["has a union type", changed("frames: u32;", "frames: u32 | u64;"), ":20:25: Not implemented: union types"],
  ["is JavaScript for Node.js", "module.exports = () => 1;\n", ":1:1: Cannot find name 'module'"],
  [
    "lacks a method",
    changed(/onFill\([\s\S]*?\n {2}\}\n/, ""),
    ":18:7: Non-abstract class 'MinePolicy' does not implement inherited abstract member 'onFill'",
  ],
  [
    "has too many fields",
    changed("hand: u32;", `hand: u32;${Array.from({ length: 130 }, (_, i) => ` f${i}: u32;`).join("")}`),
    ": a policy's fields may take 512 bytes at most",
  ],
  [
    "registers nothing",
    changed(/register<\w+>\(\);/, ""),
    ": registers no policy; end it with register<TheClass>();",
  ],
  ["registers two", `${TEMPLATE}register<MinePolicy>();\n`, ": registers 2 policies; a file has one"],
  ["declares no JSON", changed('"mine",', '"mine"'), ": about() is not valid JSON: "],
  [
    "has a built-in policy's name",
    changed('"mine"', '"lru"'),
    ': about() names it "lru", as a built-in policy is named',
  ],
  [
    "allocates",
    changed(HAND, `${HAND} const list = new Array<u32>(4); list[0] = pfn;`),
    ": MinePolicy.victim allocates memory",
  ],
  [
    "puts strings together",
    changed("return `", "return this.frames.toString() + `"),
    ": MinePolicy.about allocates memory",
  ],
  [
    "draws numbers that cannot be repeated",
    changed(HAND, `${HAND} pfn += <u32>Math.random();`),
    ": uses Math.random (rngAt draws numbers)",
  ],
  [
    "throws at its top level",
    `${TEMPLATE}if (memory.size() > 0) throw new Error("no");\n`,
    /: about\(\) or the file's top level stops the engine: assertion failed at 100:\d+$/,
  ],
  [
    "never comes to an end in about()",
    changed("return `", "while (this.frames == 0) this.hand++; return `"),
    ": about() or the file's top level does not come to an end",
  ],
  [
    "crashes the compiler",
    "class A<T> { x: T; }\nfunction f<T>(): void { f<A<T>>(); }\nf<u32>();\n",
    ": the AssemblyScript compiler crashed on it (RangeError: Maximum call stack size exceeded)",
  ],
  [
    "imports what is missing",
    `import { x } from "./missing";\n${TEMPLATE}`,
    ":1:19: File 'missing.ts' not found",
  ],
  [
    "imports from outside its folder",
    `import { x } from "../other";\n${TEMPLATE}`,
    ':1:19: "../other" cannot be imported; policies import from "clockhand/policy" and from files in their own folder',
  ],
  [
    "imports the engine's insides",
    `import { commit } from "./../assembly/layout";\n${TEMPLATE}`,
    ':1:24: "./../assembly/layout" cannot be imported',
  ],
  [
    "imports a package",
    `// a comment\nimport { x } from 'leven';\n${TEMPLATE}`,
    ':2:19: "leven" cannot be imported',
  ],
  [
    "imports the library",
    changed('"clockhand/policy"', '"clockhand"'),
    ':14:78: "clockhand" cannot be imported',
  ],
  [
    "imports what policies are not given",
    changed("register, ", "register, setParameter, "),
    /:14:\d+: Module 'clockhand\/policy' has no exported member 'setParameter'/,
  ],
];

/** Changes to the template's declaration, and what is wrong with it then. */
const PARAMETER = { name: "p", type: "integer", default: 1, min: 1, max: 2, summary: "" };
const DECLARATION = { name: "mine", summary: "", paper: "", parameters: [PARAMETER] };
const DECLARATIONS: [what: string, change: object, problem: RegExp][] = [
  ["a name that is none", { name: "Mine All" }, /"name": a name has lower-case letters, digits and hyphens/],
  ["no paper", { paper: undefined }, /"paper": /],
  ["something unknown", { book: "" }, /"book": /],
  ["a type that is none", { parameters: [{ ...PARAMETER, type: "float" }] }, /"parameters.0.type": /],
  [
    "a default beyond its limits",
    { parameters: [{ ...PARAMETER, default: 3 }] },
    /"parameters.0": the default/,
  ],
  [
    "a default of another type",
    { parameters: [{ ...PARAMETER, default: "1" }] },
    /"parameters.0": the default/,
  ],
  [
    "a choice that is none by default",
    { parameters: [{ ...PARAMETER, type: "choice", default: "a", choices: ["b"] }] },
    /"parameters.0": the default/,
  ],
  ["two parameters of one name", { parameters: [PARAMETER, PARAMETER] }, /two have the same name/],
  [
    "17 parameters",
    { parameters: Array.from({ length: 17 }, (_, index) => ({ ...PARAMETER, name: `p${index}` })) },
    /"parameters": a policy has 16 parameters at most/,
  ],
];

describe("a declaration", () => {
  it("is taken when all is as it must be", () => {
    expect(checkDeclaration(JSON.stringify(DECLARATION))).toMatchObject({ name: "mine" });
    for (const about of POLICIES) {
      const { clairvoyant: _, ...declared } = about;
      expect(checkDeclaration(JSON.stringify(declared))).toMatchObject({ name: about.name });
    }
  });

  it.each(DECLARATIONS)("is refused that has %s", (_what, change, problem) => {
    const text = JSON.stringify({ ...DECLARATION, ...change });
    expect(checkDeclaration(text)).toEqual({ problem: expect.stringMatching(problem) });
  });
});

describe.concurrent("a policy's file that", () => {
  it.each(MISTAKES)("%s is refused with a line that says so", async (what, text, says) => {
    const file = write(`${what.replace(/\W+/g, "-")}.ts`, text);
    const message = await messageFor(file);
    expect(message.startsWith(`${file}:`), message).toBe(true);
    const rest = message.slice(file.length);
    if (typeof says === "string") expect(rest.slice(0, says.length)).toBe(says);
    else expect(rest).toMatch(says);
  });

  it("is missing is refused with the command that writes one", async () => {
    const file = join(folder, "none.ts");
    const says = `${file}: no such file; "clockhand new-policy NAME" writes one to start from`;
    expect(await messageFor(file)).toBe(says);
  });

  it("is a folder, a device or no text is refused", async () => {
    mkdirSync(join(folder, "folder.ts"));
    expect(await messageFor(join(folder, "folder.ts"))).toMatch(/: is a folder/);
    symlinkSync("/dev/zero", join(folder, "device.ts"));
    expect(await messageFor(join(folder, "device.ts"))).toMatch(/: is no file/);
    writeFileSync(join(folder, "binary.ts"), Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe]));
    expect(await messageFor(join(folder, "binary.ts"))).toMatch(/: is not text in UTF-8/);
    expect(await messageFor(write("large.ts", "//".repeat(2 ** 20)))).toMatch(/: is larger than any policy/);
    expect(await messageFor(write("types.d.ts", TEMPLATE))).toMatch(/: declares types only/);
  });

  it("has its mistake in a file that it imports is refused with that file's name", async () => {
    write("lib/step.ts", "export function step(pfn: u32): u32 {\n  return pfn + one;\n}\n");
    const text = `import { step } from "./lib/step";\n${changed("return pfn;", "return step(pfn);")}`;
    const message = await messageFor(write("importer.ts", text));
    expect(message).toBe(`${join(folder, "lib/step.ts")}:2:16: Cannot find name 'one'`);
  });
});

describe("a compiled policy", () => {
  it("comes with those that it is checked by", async () => {
    const file = write("mine.ts", TEMPLATE);
    const { module, policy } = await compilePolicy(file, { target: "debug" });
    expect(policy.name).toBe("mine");
    const companions = POLICIES.filter(({ name }) => name === "fifo" || name === "opt");
    expect(listPolicies(module)).toEqual([...companions, policy]);
  });

  it("is taken from the cache until something that went into it changes", async () => {
    const debug = { target: "debug" } as const;
    write("shared/one.ts", "export const ONE: u32 = 1;\n");
    const text = `import { ONE } from "./shared/one";\n${TEMPLATE.replaceAll("pfn + 1", "pfn + ONE")}`;
    const file = write("cached.ts", text);
    expect((await compilePolicy(file, debug)).cached).toBe(false);
    expect((await compilePolicy(file, debug)).cached).toBe(true);
    expect((await compilePolicy(write("elsewhere/cached.ts", TEMPLATE), debug)).cached).toBe(false);
    write("shared/one.ts", "export const ONE: u32 = <u32>1;\n");
    expect((await compilePolicy(file, debug)).cached).toBe(false);
    expect((await compilePolicy(file, debug)).cached).toBe(true);
  });

  it("is compiled again when what the cache has is damaged, in whatever way", async () => {
    const file = write("damaged.ts", TEMPLATE);
    const before = new Set(readdirSync(cache));
    await compilePolicy(file, { target: "debug" });
    const [name] = readdirSync(cache).filter((name) => !before.has(name));
    const entry = join(cache, name!);
    const good = readFileSync(entry);
    const flipped = Uint8Array.from(good);
    flipped[good.length >> 1]! ^= 1;
    for (const bytes of [flipped, good.subarray(0, 100)]) {
      writeFileSync(entry, bytes);
      const { cached, policy } = await compilePolicy(file, { target: "debug" });
      expect([cached, policy.name]).toEqual([false, "mine"]);
      expect(readFileSync(entry)).toEqual(good);
    }
  });

  it("makes room in the cache by removing what was used longest ago", async () => {
    const old = join(cache, "old.policy");
    const older = join(cache, "older.policy");
    for (const [path, age, mebibytes] of [
      [old, 2000, 2],
      [older, 3000, 15],
    ] as const) {
      writeFileSync(path, "");
      truncateSync(path, mebibytes * 2 ** 20);
      const time = new Date(Date.now() - age * 1000);
      utimesSync(path, time, time);
    }
    await compilePolicy(write("another.ts", TEMPLATE), { target: "debug" });
    const left = readdirSync(cache);
    expect(left).toContain("old.policy");
    expect(left).not.toContain("older.policy");
    expect(left.filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("needs no cache", async () => {
    const file = write("uncached.ts", TEMPLATE);
    const before = process.env["XDG_CACHE_HOME"];
    try {
      process.env["XDG_CACHE_HOME"] = file;
      const { cached, policy } = await compilePolicy(file, { target: "debug" });
      expect([cached, policy.name]).toEqual([false, "mine"]);
      expect(statSync(file).isFile()).toBe(true);
    } finally {
      process.env["XDG_CACHE_HOME"] = before;
    }
  });

  it("is given up when it is interrupted", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const compiling = compilePolicy(write("interrupted.ts", TEMPLATE), { signal });
    setTimeout(() => controller.abort(), 100);
    await expect(compiling).rejects.toThrow(/interrupted/);
    await expect(compilePolicy(join(folder, "interrupted.ts"), { signal })).rejects.toThrow(/interrupted/);
  });
});

describe("what a policy is called", () => {
  it("is a file when it ends in .ts, before its parameters", () => {
    expect(splitFileSpec("./my-policy.ts")).toEqual({ file: "./my-policy.ts", params: "" });
    expect(splitFileSpec("a:b/c.ts:d=e.ts")).toEqual({ file: "a:b/c.ts", params: "d=e.ts" });
    expect(splitFileSpec("clock:bits=2")).toBeUndefined();
    expect(splitFileSpec("ts")).toBeUndefined();
  });

  it("is its class's name in camel case", () => {
    expect(["my-policy", "two-q2", "policy", "replacement", "2q"].map(classNameOf)).toEqual([
      "MyPolicy",
      "TwoQ2Policy",
      "MyPolicy",
      "MyReplacementPolicy",
      "My2qPolicy",
    ]);
  });
});
