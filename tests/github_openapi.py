"""Check requests and answers against GitHub's own descriptions: OpenAPI for REST, the schema for GraphQL."""

import json
import re
from copy import deepcopy
from functools import cache
from urllib.parse import parse_qsl

import jsonschema
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

SPEC = "node_modules/@octokit/openapi/generated/api.github.com.json"
ADDRESS = "urn:github"
ANYWHERE = (401, 403, 404)
"""What every operation may answer, as GitHub says elsewhere: an error of the basic kind."""


class ContractError(AssertionError):
    """A request or an answer that GitHub's description does not allow."""


class Contract:
    """GitHub's OpenAPI description, from the folder that scripts/node.py prepares."""

    def __init__(self, folder):
        self.spec = json.loads((folder / SPEC).read_text())
        _nullable(self.spec)
        resource = Resource.from_contents(self.spec, default_specification=DRAFT202012)
        self.registry = Registry().with_resource(ADDRESS, resource)
        self.routes = [(re.compile(_pattern(path)), path, item) for path, item in self.spec["paths"].items()]
        self.routes.sort(key=lambda route: (-route[1].count("/"), route[1].count("{")))
        self.validator = cache(self._validator)
        self.operation = cache(self._operation)

    def _operation(self, method, path):
        """The pointer to the operation, and the operation."""
        for pattern, template, item in self.routes:
            if method.lower() in item and pattern.fullmatch(path):
                return template, item[method.lower()]
        raise ContractError(f"GitHub has no {method} {path}")

    def check_request(self, method, path, query, body):
        template, operation = self.operation(method, path)
        known = dict(self._parameters(template, method.lower(), operation))
        for name, value in parse_qsl(query, keep_blank_values=True):
            if name not in known:
                raise ContractError(f"{method} {template}: GitHub knows no parameter `{name}`")
            kind, pointer = known[name]
            self._validate(value if kind == "string" else _value(value), pointer, f"{method} {template}?{name}=")
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content is None:
            if body not in (None, b"") and "application/octet-stream" not in operation["requestBody"]["content"]:
                raise ContractError(f"{method} {template}: no body is expected")
            return
        document = json.loads(body) if body else {}
        unknown = (
            set(document) - set(_properties(self._deep(content["schema"]))) if isinstance(document, dict) else set()
        )
        if unknown:
            raise ContractError(f"{method} {template}: GitHub knows no {sorted(unknown)}")
        pointer = ("paths", template, method.lower(), "requestBody", "content", "application/json", "schema")
        self._validate(document, pointer, f"{method} {template}")

    def check_response(self, method, path, status, body):
        template, operation = self.operation(method, path)
        if str(status) not in operation["responses"]:
            if status not in ANYWHERE:
                raise ContractError(f"{method} {template}: GitHub does not answer {status}")
            self._validate(json.loads(body), ("components", "schemas", "basic-error"), f"answer to {method} {template}")
            return
        pointer = ("paths", template, method.lower(), "responses", str(status))
        response = operation["responses"][str(status)]
        pointer = _pointer(response, pointer)
        media = next((kind for kind in self._resolve(response).get("content", ()) if "json" in kind), None)
        if media is not None and body:
            self._validate(json.loads(body), (*pointer, "content", media, "schema"), f"answer to {method} {template}")

    def _parameters(self, template, method, operation):
        """Name of each parameter that a query may have, and the type and place of its schema."""
        for index, parameter in enumerate(operation.get("parameters", ())):
            resolved = self._resolve(parameter)
            if resolved["in"] == "query":
                here = ("paths", template, method, "parameters", str(index))
                kind = self._resolve(resolved["schema"]).get("type")
                yield resolved["name"], (kind, (*_pointer(parameter, here), "schema"))

    def example(self, method, template, status):
        """GitHub's own example of an answer."""
        content = self._resolve(self.spec["paths"][template][method]["responses"][str(status)])["content"]
        examples = content["application/json"]["examples"]
        return deepcopy(self._resolve(next(iter(examples.values())))["value"])

    def _validate(self, document, pointer, what):
        _raise(self.validator(pointer), document, what)

    def _validator(self, pointer):
        escaped = "/".join(part.replace("~", "~0").replace("/", "~1") for part in pointer)
        return jsonschema.Draft202012Validator({"$ref": f"{ADDRESS}#/{escaped}"}, registry=self.registry)

    def _resolve(self, item):
        while "$ref" in item:
            target = self.spec
            for part in item["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            item = target
        return item

    def _deep(self, schema):
        schema = self._resolve(schema)
        parts = [self._deep(part) for key in ("oneOf", "anyOf", "allOf") for part in schema.get(key, ())]
        return {**schema, "parts": parts}


def _pointer(item, here):
    return tuple(item["$ref"].removeprefix("#/").split("/")) if "$ref" in item else here


def _value(text):
    """A value of a query as JSON: a number, true or false, else a text."""
    return json.loads(text) if re.fullmatch(r"\d{1,15}|true|false", text) else text


def _properties(schema):
    return {**schema.get("properties", {}), **{k: v for part in schema["parts"] for k, v in _properties(part).items()}}


def _raise(validator, document, what):
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    if error is not None:
        raise ContractError(f"{what}: {error.json_path}: {error.message[:300]}")


def _pattern(path):
    """A path parameter spans slashes only where GitHub's does: refs, paths, branches."""
    spanning = {"path", "ref", "branch", "basehead", "tag"}
    parts = re.split(r"\{(\w+)\}", path)
    return "".join(
        (".+" if part in spanning else "[^/]+") if index % 2 else re.escape(part) for index, part in enumerate(parts)
    )


def _nullable(node):
    """OpenAPI 3.0 says `nullable`, JSON Schema says `null`."""
    if isinstance(node, list):
        for item in node:
            _nullable(item)
    elif isinstance(node, dict):
        for item in node.values():
            _nullable(item)
        if node.pop("nullable", None) is True:
            if isinstance(node.get("type"), str):
                node["type"] = [node["type"], "null"]
                if isinstance(node.get("enum"), list):
                    node["enum"] = [*node["enum"], None]
            else:
                rest = dict(node)
                node.clear()
                node["anyOf"] = [{"type": "null"}, rest]
