/** The fields of each Spark, and of vLLM. */
import { type Child, h, picture } from "../dom.ts";
import type { Desk } from "./desk.ts";
import { MOST_SPARKS, type SparkField, type VllmField } from "./draft.ts";

interface Shape {
  readonly label: string;
  readonly hint: string;
  readonly example?: string;
  readonly inputmode?: "numeric";
}

const SPARK: Readonly<Record<SparkField, Shape>> = {
  host: { label: "Address", hint: "IP address or host name in your network", example: "192.168.1.21" },
  user: { label: "User", hint: "The login name on the Spark", example: "alice" },
  ssh_port: { label: "SSH port", hint: "Blank: 22", inputmode: "numeric" },
  launch_dir: { label: "Launch folder", hint: "Blank: ~/spark-vllm-docker" },
  address: { label: "Address between the Sparks", hint: "IPv4. Blank: the one that SSH connects to" },
  eth_if: { label: "Network card", hint: "For models over both Sparks. Blank: found by itself" },
  ib_if: { label: "Fast network card (RDMA)", hint: "For models over both Sparks. Blank: found by itself" },
};
const VLLM: Readonly<Record<VllmField, Shape>> = {
  port: { label: "Port of vLLM", hint: "Blank: 8888", inputmode: "numeric" },
  container: { label: "Container", hint: "Blank: vllm_node" },
  image: { label: "Image", hint: "Blank: vllm-node" },
};
const FIRST: readonly SparkField[] = ["host", "user"];
const MORE: readonly SparkField[] = ["ssh_port", "launch_dir", "address", "eth_if", "ib_if"];

interface Given {
  readonly value: string;
  /** The environment variable that decides, and what it says. */
  readonly fixed: { readonly variable: string; readonly value: string } | null;
  readonly error: string | null;
}

const idOf = (place: string): string => `su${place.replaceAll("/", "-")}`;

function field(place: string, { label, hint, example, inputmode }: Shape, given: Given): Child {
  const id = idOf(place);
  const { fixed, error } = given;
  return h(
    "div",
    { class: "su-field", "data-key": place, "data-wrong": error !== null },
    h("label", { for: id }, label),
    h("input", {
      id,
      name: place,
      value: fixed?.value ?? given.value,
      readonly: fixed !== null,
      placeholder: fixed === null ? example : null,
      inputmode,
      autocomplete: "off",
      autocapitalize: "none",
      spellcheck: "false",
      maxlength: 253,
      "aria-describedby": error === null ? `${id}-hint` : `${id}-hint ${id}-error`,
      "aria-invalid": error === null ? null : "true",
    }),
    h(
      "p",
      { id: `${id}-hint`, class: "dim" },
      fixed === null ? hint : `Set by the environment variable ${fixed.variable}`,
    ),
    error !== null && h("p", { id: `${id}-error`, class: "su-wrong" }, picture("g-bad"), h("span", {}, error)),
  );
}

/** The field that was refused first, in the order of the page. */
export function firstWrong(root: ParentNode): HTMLElement | null {
  return root.querySelector<HTMLElement>("input[aria-invalid]");
}

function sparkGiven(desk: Desk, index: number, key: SparkField): Given {
  const spark = desk.draft.value.sparks[index];
  const setting = desk.setup.value?.nodes.find(({ name }) => name === spark?.name)?.settings[key];
  const place = `/nodes/${index}/${key}`;
  return { value: spark?.[key] ?? "", fixed: fixedBy(setting), error: desk.errors.value.get(place) ?? null };
}

function fixedBy(setting: { value: unknown; from: string; variable: string | null } | undefined): Given["fixed"] {
  if (setting?.from !== "environment" || setting.variable === null) return null;
  return { variable: setting.variable, value: String(setting.value) };
}

/** @param unfold show the rarer fields without a click */
export function sparkFields(desk: Desk, unfold: boolean): Child {
  const { sparks } = desk.draft.value;
  return [
    ...sparks.map((spark, index) => {
      const one = (key: SparkField) => field(`/nodes/${index}/${key}`, SPARK[key], sparkGiven(desk, index, key));
      const rare = MORE.map(one);
      const isWrong = MORE.some((key) => desk.errors.value.has(`/nodes/${index}/${key}`));
      const ofAll = [...desk.errors.value].find(
        ([place]) => place === `/nodes/${index}` || place === `/nodes/${index}/name`,
      );
      return h(
        "fieldset",
        { class: "su-spark", "data-key": spark.name },
        h("legend", {}, h("strong", {}, spark.name), " ", h("span", { class: "dim" }, role(index, sparks.length))),
        ofAll && h("p", { class: "su-wrong" }, picture("g-bad"), h("span", {}, ofAll[1])),
        h("div", { class: "su-fields" }, ...FIRST.map(one)),
        unfold
          ? h("div", { class: "su-fields" }, ...rare)
          : h(
              "details",
              { class: "su-more", open: isWrong },
              h("summary", {}, "Port, folder, network cards"),
              h("div", { class: "su-fields" }, ...rare),
            ),
        index > 0 &&
          h(
            "button",
            { class: "btn sm su-remove", type: "button", "data-act": "remove", "data-spark": spark.name },
            `Remove ${spark.name}`,
          ),
      );
    }),
    sparks.length < MOST_SPARKS &&
      h(
        "button",
        { class: "btn", type: "button", "data-act": "add", "data-key": "add" },
        sparks.length === 1 ? "Add a second Spark" : "Add another Spark",
      ),
  ];
}

function role(index: number, count: number): string {
  if (count === 1) return "";
  return index === 0 ? "starts the models" : "helps with models over both";
}

export function vllmFields(desk: Desk): Child {
  const setup = desk.setup.value;
  return h(
    "fieldset",
    { class: "su-spark", "data-key": "vllm" },
    h(
      "legend",
      {},
      h("strong", {}, "vLLM"),
      " ",
      h("span", { class: "dim" }, "the program that runs the models, on all Sparks, slot main"),
    ),
    h(
      "div",
      { class: "su-fields" },
      ...(Object.keys(VLLM) as VllmField[]).map((key) =>
        field(`/vllm/${key}`, VLLM[key], {
          value: desk.draft.value.vllm[key],
          fixed: fixedBy(setup?.vllm[key]),
          error: desk.errors.value.get(`/vllm/${key}`) ?? null,
        }),
      ),
    ),
  );
}
