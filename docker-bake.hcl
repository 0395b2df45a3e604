# The image that this repository's own gate runs in, for both processors:
#   FINGERPRINT=$(dwf fingerprint) docker buildx bake --push

variable "FINGERPRINT" {
  default = "local"
}

variable "IMAGE" {
  default = "localhost/devflow/devflow"
}

group "default" {
  targets = ["ci"]
}

target "ci" {
  context    = "."
  dockerfile = ".ci/Dockerfile"
  tags       = ["${IMAGE}:${FINGERPRINT}"]
  platforms  = ["linux/amd64", "linux/arm64"]
}
