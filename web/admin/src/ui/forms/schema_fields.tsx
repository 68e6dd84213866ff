// A schema as controls: an object is a group, a list of objects a group that can be repeated, a text a field.
import type { ApiError } from "../../api";
import { memberOf, type Schema, type Value } from "./schema";
import { SelectField, TextField } from "./field";

interface Props {
  schema: Schema;
  path: string; // as the server names it in errors: "data.channels[0].webhook.url"
  value: Value | undefined;
  error: ApiError | undefined;
  stored: boolean; // secrets are stored already: a field that is left empty keeps them
  onValue: (value: Value) => void;
}

export function SchemaFields({ schema, path, value, ...rest }: Props) {
  return (
    <>
      {Object.entries(schema.properties ?? {}).map(([name, member]) => (
        <Member
          key={name}
          {...rest}
          name={name}
          schema={member}
          path={`${path}.${name}`}
          value={memberOf(value, name)}
          required={schema.required?.includes(name) ?? false}
          onValue={(changed) => rest.onValue({ ...(typeof value === "object" && !Array.isArray(value) ? value : {}), [name]: changed })}
        />
      ))}
    </>
  );
}

interface MemberProps extends Props {
  name: string;
  required: boolean;
}

function Member({ name, required, ...props }: MemberProps) {
  const { schema, path, value, error, stored, onValue } = props;
  if (schema.type === "array") return <Repeated {...props} name={name} />;
  if (schema.properties)
    return (
      <fieldset class="group">
        <legend>{words(name)}</legend>
        <SchemaFields {...props} />
      </fieldset>
    );
  const text = typeof value === "string" ? value : "";
  const frame = { label: words(name), fault: error?.field?.path === path ? error.field.rule : undefined };
  if (schema.enum)
    return (
      <SelectField
        {...frame}
        hint={hint(schema)}
        value={text}
        choices={[["", required ? "choose one" : "not used"] as const, ...schema.enum.map((one) => [one, one] as const)]}
        onText={onValue}
      />
    );
  return (
    <TextField
      {...frame}
      hint={hint(schema, schema.writeOnly && stored)}
      type={schema.writeOnly ? "password" : "text"}
      required={required && !schema.writeOnly}
      value={text}
      onText={onValue}
    />
  );
}

function Repeated({ name, ...props }: Props & { name: string }) {
  const list = Array.isArray(props.value) ? props.value : [];
  const change = (i: number, changed: Value) => props.onValue(list.map((one, place) => (place === i ? changed : one)));
  return (
    <fieldset class="group">
      <legend>{words(name)}</legend>
      {list.map((one, i) => (
        <div class="entry" role="group" aria-label={`${words(name)}, entry ${i + 1}`} key={i}>
          <SchemaFields
            {...props}
            schema={props.schema.items ?? {}}
            path={`${props.path}[${i}]`}
            value={one}
            onValue={(changed) => change(i, changed)}
          />
          <button type="button" onClick={() => props.onValue(list.filter((_, place) => place !== i))}>
            Remove entry {i + 1}
          </button>
        </div>
      ))}
      <button type="button" onClick={() => props.onValue([...list, {}])}>
        Add an entry
      </button>
    </fieldset>
  );
}

function hint(schema: Schema, keeps: boolean | undefined = false): string | undefined {
  return [schema.description, keeps ? "Leave empty to keep the stored one." : ""].filter(Boolean).join(" ") || undefined;
}

const SHORT: Record<string, string> = { url: "URL", api: "API", id: "id" };

// clientSecret → Client secret
export function words(name: string): string {
  const parts = name.split(/(?=[A-Z])/).map((part) => SHORT[part.toLowerCase()] ?? part.toLowerCase());
  const [first = "", ...others] = parts;
  return [first.charAt(0).toUpperCase() + first.slice(1), ...others].join(" ");
}
