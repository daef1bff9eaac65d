/**
 * One self-contained declaration file: what a module exports, each type written out in full, so that whoever reads it
 * needs neither the sources nor the packages they come from. Types of the platform (Response, Promise, …) keep their names;
 * interfaces and aliases of this repository become declarations of the file.
 */
import ts from "typescript-5";
import { docsOf, indent, isDeclaredReadonly, isMappedReadonly, nameFor, TAKEN } from "./declaration-text.ts";

const FLAGS =
  ts.TypeFormatFlags.NoTruncation |
  ts.TypeFormatFlags.UseSingleQuotesForStringLiteralType |
  ts.TypeFormatFlags.InTypeAlias;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
/** Deeper than any real type: a type that grows as it is written out would not end. */
const DEEPEST = 60;
/** Bodies up to this many characters are repeated rather than named. */
const SHORT = 120;

export interface DeclarationOptions {
  /** The module whose exports are declared; it may re-export. */
  readonly entry: string;
  readonly compilerOptions: ts.CompilerOptions;
  /** Folder below which declarations are written out; what is declared elsewhere in a package is written out too. */
  readonly root: string;
}

/** @throws Error when the entry does not compile, or exports what cannot be declared */
export function declarationsOf(options: DeclarationOptions): string {
  const program = ts.createProgram([options.entry], { ...options.compilerOptions, noEmit: true });
  const source = program.getSourceFile(options.entry);
  if (!source) throw new Error(`${options.entry} cannot be read`);
  const wrong = program.getSemanticDiagnostics(source);
  if (wrong[0]) throw new Error(ts.flattenDiagnosticMessageText(wrong[0].messageText, "\n"));
  // Twice: what is found more than once in the first round gets a name in the second.
  const first = new Writer(program, source, options.root, new Map());
  first.write();
  return new Writer(program, source, options.root, first.repeated()).write();
}

interface Body {
  readonly text: string;
  readonly member: string;
}

class Writer {
  readonly #checker: ts.TypeChecker;
  /** Declarations by name, in the order in which they were first needed. */
  readonly #written = new Map<string, string>();
  readonly #names = new Map<ts.Symbol, string>();
  /** What is exported is referred to by its name, however the type was reached. */
  readonly #exported = new Map<ts.Type, string>();
  /** Text of each body, and in which member it was first found. */
  readonly #bodies = new Map<ts.Type, Body>();
  /** Names of bodies that are found more than once, by their full text. */
  readonly #shared = new Map<string, string>();
  readonly #members: string[] = [];
  #depth = 0;

  constructor(
    private readonly program: ts.Program,
    private readonly source: ts.SourceFile,
    private readonly root: string,
    private readonly repeatedBodies: ReadonlyMap<ts.Type, Body>,
  ) {
    this.#checker = program.getTypeChecker();
  }

  write(): string {
    const module = this.#checker.getSymbolAtLocation(this.source);
    if (!module) throw new Error("the entry exports nothing");
    const exported = this.#checker.getExportsOfModule(module).map((symbol) => this.#original(symbol));
    for (const symbol of exported) {
      this.#names.set(symbol, symbol.name);
      const isType = (symbol.flags & (ts.SymbolFlags.TypeAlias | ts.SymbolFlags.Interface)) !== 0;
      if (isType && this.#declared(symbol).flags & ts.TypeFlags.Object)
        this.#exported.set(this.#declared(symbol), symbol.name);
    }
    const own = exported.map((symbol) => docsOf(this.#checker, symbol) + this.#declaration(symbol));
    return `${[...this.#written.values(), ...own, "export {};"].join("\n\n")}\n`;
  }

  /** Long bodies of which there are several with the same text. */
  repeated(): Map<ts.Type, Body> {
    const counts = new Map<string, number>();
    for (const { text } of this.#bodies.values()) counts.set(text, (counts.get(text) ?? 0) + 1);
    return new Map([...this.#bodies].filter(([, { text }]) => text.length > SHORT && (counts.get(text) ?? 0) > 1));
  }

  #original(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol;
  }

  #declaration(symbol: ts.Symbol): string {
    const { name } = symbol;
    if (symbol.flags & ts.SymbolFlags.Class) return this.#class(symbol);
    if (symbol.flags & ts.SymbolFlags.Function) {
      const type = this.#checker.getTypeOfSymbolAtLocation(symbol, this.source);
      return type
        .getCallSignatures()
        .map((signature) => `export declare function ${name}${this.#signature(signature, ": ")};`)
        .join("\n");
    }
    if (symbol.flags & ts.SymbolFlags.Interface)
      return `export interface ${name} ${this.#body(this.#declared(symbol))}`;
    if (symbol.flags & ts.SymbolFlags.TypeAlias)
      return `export type ${name} = ${this.#expanded(this.#declared(symbol))};`;
    throw new Error(`${name} is exported, but is no function, class or type`);
  }

  #declared(symbol: ts.Symbol): ts.Type {
    return this.#checker.getDeclaredTypeOfSymbol(symbol);
  }

  #class(symbol: ts.Symbol): string {
    const type = this.#declared(symbol) as ts.InterfaceType;
    const base = this.#checker.getBaseTypes(type)[0];
    const inherited = new Map(base?.getProperties().map((property) => [property.name, property]));
    const members = type
      .getProperties()
      .filter((property) => inherited.get(property.name) !== property)
      .map((property) => this.#property(property));
    const constructors = this.#checker
      .getTypeOfSymbolAtLocation(symbol, this.source)
      .getConstructSignatures()
      .map((signature) => `constructor${this.#signature(signature, null)};`);
    const extending = base ? ` extends ${base.symbol.name}` : "";
    return `export declare class ${symbol.name}${extending} {\n${indent([...new Set(constructors), ...members])}\n}`;
  }

  /** The type as it is referred to: by its name where it has one that can be declared. */
  #type(type: ts.Type): string {
    const exported = this.#exported.get(type);
    if (exported !== undefined) return exported;
    const { aliasSymbol, aliasTypeArguments } = type;
    if (aliasSymbol && !aliasTypeArguments?.length && this.#isOurs(aliasSymbol)) return this.#named(aliasSymbol, type);
    const symbol = type.symbol as ts.Symbol | undefined;
    const isInterface = symbol !== undefined && (symbol.flags & ts.SymbolFlags.Interface) !== 0;
    if (isInterface && this.#isOurs(symbol) && !(type as ts.TypeReference).typeArguments?.length)
      return this.#named(symbol, type);
    return this.#expanded(type);
  }

  #isOurs(symbol: ts.Symbol): boolean {
    const files = symbol.declarations?.map((declaration) => declaration.getSourceFile().fileName) ?? [];
    return files.length > 0 && files.every((file) => file.startsWith(this.root) && !file.includes("/node_modules/"));
  }

  #named(symbol: ts.Symbol, type: ts.Type): string {
    const known = this.#names.get(symbol);
    if (known !== undefined) return known;
    const name = this.#freeName(symbol.name);
    this.#names.set(symbol, name);
    // Taken first: a type may contain itself.
    this.#written.set(name, "");
    const isInterface = type.symbol === symbol && (symbol.flags & ts.SymbolFlags.Interface) !== 0;
    const text = isInterface ? `interface ${name} ${this.#body(type)}` : `type ${name} = ${this.#expanded(type)};`;
    this.#written.delete(name);
    this.#written.set(name, docsOf(this.#checker, symbol) + text);
    return name;
  }

  #expanded(type: ts.Type): string {
    this.#depth += 1;
    if (this.#depth > DEEPEST) throw new Error(`a type does not end: ${this.#checker.typeToString(type)}`);
    try {
      return this.#writtenOut(type);
    } finally {
      this.#depth -= 1;
    }
  }

  #writtenOut(type: ts.Type): string {
    if (type.flags & ts.TypeFlags.Boolean) return "boolean";
    if (type.isUnion()) return this.#union(type.types);
    if (type.isIntersection()) return type.types.map((part) => this.#inner(part)).join(" & ");
    if (!(type.flags & ts.TypeFlags.Object)) return this.#checker.typeToString(type, undefined, FLAGS);
    const reference = type as ts.TypeReference;
    if (this.#checker.isTupleType(type)) {
      const { target } = reference as ts.TupleTypeReference;
      const items = this.#checker.getTypeArguments(reference).map((item) => this.#type(item));
      return `${target.readonly ? "readonly " : ""}[${items.join(", ")}]`;
    }
    if (this.#checker.isArrayType(type)) {
      const [item] = this.#checker.getTypeArguments(reference);
      const isReadonly = type.symbol.name === "ReadonlyArray";
      return `${isReadonly ? "readonly " : ""}${item ? this.#inner(item) : "unknown"}[]`;
    }
    if (this.#isOfThePlatform(type)) {
      const all = this.#checker.getTypeArguments(reference);
      const given = all.filter((argument) => !(argument as { isThisType?: boolean }).isThisType);
      const args = given.map((argument) => this.#type(argument));
      return args.length > 0 ? `${type.symbol.name}<${args.join(", ")}>` : type.symbol.name;
    }
    const calls = type.getCallSignatures();
    if (calls.length === 1 && calls[0] && type.getProperties().length === 0) return this.#signature(calls[0], " => ");
    return this.#sharedBody(type);
  }

  /** By name where the same body is found elsewhere too. */
  #sharedBody(type: ts.Type): string {
    const body = this.repeatedBodies.get(type);
    if (body === undefined) {
      const text = this.#body(type);
      const member = this.#members.at(-1) ?? "answer";
      this.#bodies.set(type, { text, member });
      return text;
    }
    const known = this.#shared.get(body.text);
    if (known !== undefined) return known;
    const name = this.#freeName(nameFor(body.member));
    this.#shared.set(body.text, name);
    this.#written.set(name, "");
    const text = `interface ${name} ${this.#body(type)}`;
    this.#written.delete(name);
    this.#written.set(name, text);
    return name;
  }

  #freeName(wanted: string): string {
    const taken = new Set([...this.#names.values(), ...this.#shared.values(), ...TAKEN]);
    let name = wanted;
    for (let count = 2; taken.has(name); count += 1) name = `${wanted}${count}`;
    return name;
  }

  /** Known wherever TypeScript is: declared by its own libraries, as an interface or class. */
  #isOfThePlatform(type: ts.Type): boolean {
    const symbol = type.symbol as ts.Symbol | undefined;
    if (!symbol || !(symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.Class))) return false;
    return (symbol.declarations ?? []).some((declaration) =>
      this.program.isSourceFileDefaultLibrary(declaration.getSourceFile()),
    );
  }

  /** Without the undefined that stands for "may be left out". */
  #without(type: ts.Type, isIt: (undefinedPart: ts.Type) => boolean): string {
    if (!type.isUnion()) return this.#type(type);
    const left = type.types.filter((part) => !(part.flags & ts.TypeFlags.Undefined && isIt(part)));
    if (left.length === type.types.length) return this.#type(type);
    return left.length === 1 && left[0] ? this.#type(left[0]) : this.#union(left);
  }

  #union(types: readonly ts.Type[]): string {
    const isBoolean = (part: ts.Type) => (part.flags & ts.TypeFlags.BooleanLiteral) !== 0;
    const hasBoth = types.filter(isBoolean).length === 2;
    const parts = types.filter((part) => !(hasBoth && isBoolean(part))).map((part) => this.#inner(part));
    const said = [...new Set([...parts, ...(hasBoth ? ["boolean"] : [])])];
    // Null and undefined last, as people write it.
    const rank = (part: string) => ["null", "undefined"].indexOf(part) + 1;
    return said.sort((a, b) => rank(a) - rank(b)).join(" | ");
  }

  /** Within a union, an intersection or an array. */
  #inner(type: ts.Type): string {
    const text = this.#type(type);
    const isPlain = IDENTIFIER.test(text) || /^(['"`][^'"`]*['"`]|\{[\s\S]*\}|[\w.]+<[\s\S]*>)$/.test(text);
    return isPlain && !/ [|&] |=>/.test(text.replace(/\{[\s\S]*\}|<[\s\S]*>/g, "")) ? text : `(${text})`;
  }

  #body(type: ts.Type): string {
    const calls = type.getCallSignatures().map((signature) => `${this.#signature(signature, ": ")};`);
    const indexes = this.#checker.getIndexInfosOfType(type).map(({ keyType, type: value, isReadonly }) => {
      const key = this.#checker.typeToString(keyType);
      return `${isReadonly ? "readonly " : ""}[key: ${key}]: ${this.#type(value)};`;
    });
    const properties = type.getProperties().map((property) => this.#property(property));
    const members = [...calls, ...indexes, ...properties];
    return members.length === 0 ? "{}" : `{\n${indent(members)}\n}`;
  }

  #property(property: ts.Symbol): string {
    const name = IDENTIFIER.test(property.name) ? property.name : JSON.stringify(property.name);
    const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0;
    const isReadonly = isMappedReadonly(property) || isDeclaredReadonly(property);
    const type = this.#checker.getTypeOfSymbolAtLocation(property, this.source);
    // `a?: T` and `a?: T | undefined` differ for those who use exactOptionalPropertyTypes: the first has an undefined of its own.
    const undefinedType = this.#checker.getUndefinedType();
    this.#members.push(property.name);
    const text = isOptional ? this.#without(type, (part) => part !== undefinedType) : this.#type(type);
    this.#members.pop();
    return `${docsOf(this.#checker, property)}${isReadonly ? "readonly " : ""}${name}${isOptional ? "?" : ""}: ${text};`;
  }

  #signature(signature: ts.Signature, arrow: string | null): string {
    const parameters = signature.parameters.map((parameter) => {
      const declaration = parameter.valueDeclaration;
      const isParameter = declaration !== undefined && ts.isParameter(declaration);
      const isRest = isParameter && declaration.dotDotDotToken !== undefined;
      const isOptional = isParameter && this.#checker.isOptionalParameter(declaration);
      // A parameter that is taken apart has no name of its own.
      const name = parameter.name.startsWith("__") ? "options" : parameter.name;
      const type = this.#checker.getTypeOfSymbolAtLocation(parameter, this.source);
      const text = isOptional ? this.#without(type, () => true) : this.#type(type);
      return `${isRest ? "..." : ""}${name}${isOptional ? "?" : ""}: ${text}`;
    });
    const generic = signature.typeParameters?.map((parameter) => parameter.symbol.name).join(", ");
    const head = `${generic ? `<${generic}>` : ""}(${parameters.join(", ")})`;
    return arrow === null ? head : `${head}${arrow}${this.#type(signature.getReturnType())}`;
  }
}
