module devflow-ext-{{name}}

go 1.19
