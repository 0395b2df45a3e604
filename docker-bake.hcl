# The images that we publish, each for both processors:
#   REGISTRY=registry.example.org/devflow FINGERPRINT=$(dwf fingerprint) docker buildx bake --push
# And `ci`, which the gate of this repository runs in, for the local engine:
#   FINGERPRINT=$(dwf fingerprint) docker buildx bake ci

variable "FINGERPRINT" {
  default = "local"
}

variable "REGISTRY" {
  default = "localhost/devflow"
}

group "default" {
  targets = ["base", "rust", "node", "python"]
}

target "published" {
  context   = "."
  platforms = ["linux/amd64", "linux/arm64"]
  labels = {
    "dwf.fingerprint"                    = "${FINGERPRINT}"
    "org.opencontainers.image.version"   = "${FINGERPRINT}"
    "org.opencontainers.image.licenses"  = "Apache-2.0"
    "org.opencontainers.image.base.name" = "docker.io/library/debian:bookworm-slim"
  }
  output = ["type=image,oci-mediatypes=true,compression=zstd,force-compression=true"]
}

target "base" {
  inherits   = ["published"]
  dockerfile = "oci/Dockerfile"
  tags       = ["${REGISTRY}/base:${FINGERPRINT}"]
  labels = {
    "org.opencontainers.image.title"       = "dwf: base"
    "org.opencontainers.image.description" = "Debian with Git, CA certificates, tini and the user dwf (1001)"
  }
}

target "rust" {
  inherits   = ["published"]
  dockerfile = "ext-rust/Dockerfile"
  contexts   = { base = "target:base" }
  tags       = ["${REGISTRY}/rust:${FINGERPRINT}"]
  labels = {
    "org.opencontainers.image.title"       = "dwf: rust"
    "org.opencontainers.image.description" = "Rust with Cargo, rustfmt and Clippy"
  }
}

target "node" {
  inherits   = ["published"]
  dockerfile = "ext-node/Dockerfile"
  contexts   = { base = "target:base" }
  tags       = ["${REGISTRY}/node:${FINGERPRINT}"]
  labels = {
    "org.opencontainers.image.title"       = "dwf: node"
    "org.opencontainers.image.description" = "Node with npm"
  }
}

target "python" {
  inherits   = ["published"]
  dockerfile = "ext-python/Dockerfile"
  contexts   = { base = "target:base" }
  tags       = ["${REGISTRY}/python:${FINGERPRINT}"]
  labels = {
    "org.opencontainers.image.title"       = "dwf: python"
    "org.opencontainers.image.description" = "Python with pip and venv"
  }
}

target "ci" {
  context    = "."
  dockerfile = ".ci/Dockerfile"
  tags       = ["${REGISTRY}/devflow:${FINGERPRINT}"]
}
