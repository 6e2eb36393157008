// Replaces the fixed colours of compiled USWDS by the custom properties of tokens.scss.
// A colour is looked up by what it paints: text, surface or line.
const map = {
  white: { text: "on-primary", surface: "surface", line: "surface" },
  black: { text: "ink", surface: "ink", line: "ink" },
  "#1b1b1b": { text: "ink", surface: "ink", line: "line-strong" },
  "#3d4551": { text: "ink-2", surface: "ink-2", line: "line-strong" },
  "#454545": { text: "ink-2", surface: "ink-2", line: "line-strong" },
  "#565c65": { text: "ink-2", surface: "ink-2", line: "line-strong" },
  "#71767a": { text: "ink-3", surface: "ink-3", line: "line-strong" },
  "#757575": { text: "ink-3", surface: "ink-3", line: "line-strong" },
  "#919191": { text: "ink-3", surface: "line-strong", line: "line-strong" },
  "#a9aeb1": { text: "ink-3", surface: "line-strong", line: "line-strong" },
  "#c9c9c9": { text: "ink-3", surface: "sunken", line: "line" },
  "#dfe1e2": { text: "ink-3", surface: "line", line: "line" },
  "#e6e6e6": { text: "ink-3", surface: "sunken", line: "line" },
  "#f0f0f0": { text: "on-primary", surface: "sunken", line: "line" },
  "#005ea2": { text: "link", surface: "primary", line: "primary" },
  "#1a4480": { text: "link-hover", surface: "primary-hover", line: "primary-hover" },
  "#162e51": { text: "link-hover", surface: "primary-active", line: "primary-active" },
  "#54278f": { text: "link", surface: "link", line: "link" },
  "#2491ff": { text: "focus", surface: "focus", line: "focus" },
  "#d83933": { text: "danger", surface: "danger-fill", line: "danger" },
  "#b50909": { text: "danger", surface: "danger-fill-hover", line: "danger" },
  "#8b0a03": { text: "danger", surface: "danger-fill-hover", line: "danger" },
  "#d54309": { text: "danger", surface: "danger", line: "danger" },
  "#9c3d10": { text: "danger", surface: "danger", line: "danger" },
  "#775540": { text: "danger", surface: "danger", line: "danger" },
  "#f4e3db": { text: "danger-soft", surface: "danger-soft", line: "danger" },
  "#ffbe2e": { text: "warning", surface: "warning", line: "warning" },
  "#faf3d1": { text: "warning-soft", surface: "warning-soft", line: "warning" },
  "#fa9441": { text: "warning", surface: "warning", line: "warning" },
  "#c05600": { text: "warning", surface: "warning", line: "warning" },
  "#00a91c": { text: "success", surface: "success", line: "success" },
  "#ecf3ec": { text: "success-soft", surface: "success-soft", line: "success" },
  "#00bde3": { text: "info", surface: "info", line: "info" },
  "#e7f6f8": { text: "info-soft", surface: "info-soft", line: "info" },
  "#e1f3f8": { text: "info-soft", surface: "info-soft", line: "info" },
  "#97d4ea": { text: "info", surface: "info", line: "info" },
  "#99deea": { text: "info", surface: "info", line: "info" },
  "#c3ebfa": { text: "info-soft", surface: "info-soft", line: "info" },
  "#28a0cb": { text: "info", surface: "info", line: "info" },
  "#07648d": { text: "info", surface: "info", line: "info" },
  "rgba(0, 94, 162, 0.1)": { text: "sunken", surface: "primary-soft", line: "primary" },
  "rgba(27, 27, 27, 0.2)": { text: "line", surface: "line", line: "line" },
};
const colour = /rgba\([^)]*\)|#[0-9a-fA-F]{3,8}\b|(?<![-\w])(?:white|black)(?![-\w])/g;

function role(property) {
  if (/^(color|fill|-webkit-text-fill-color|text-decoration-color)$/.test(property)) return "text";
  return property.startsWith("background") ? "surface" : "line";
}

export function themed(css) {
  const unknown = new Set();
  const result = css
    .replace(/@font-face\s*\{[^}]*\}/g, "")
    .replace(/(^|[{;\s])([a-z-]+):([^;{}]+)(?=[;}])/g, (whole, before, property, value) => {
      if (value.includes("url(") && !colour.test(value.replace(/url\([^)]*\)/g, ""))) return whole;
      colour.lastIndex = 0;
      const replaced = value.replace(/url\([^)]*\)/g, (url) => url.replaceAll("#", "\u0000")).replace(colour, (found) => {
        const known = map[found.toLowerCase()];
        if (!known) {
          unknown.add(found);
          return found;
        }
        return `var(--${known[role(property)]})`;
      }).replaceAll("\u0000", "#");
      return `${before}${property}:${replaced}`;
    });
  if (unknown.size) throw new Error(`USWDS colours without a custom property: ${[...unknown].join(", ")}`);
  return result;
}
