# Ranks all genes by the F statistic of the task's classes (the squared correlation, for a number): a selector for panelflow.
# Needs the packages hdf5r, jsonlite and Matrix. In a benchmark file:
#   { uses: command, as: anova, with: { argv: [Rscript, r/selector.R], every_k: true } }
# Written by the protocol of docs/other-languages.md, but not run where it was written: there was no R.
library(Matrix)

request <- jsonlite::read_json("request.json", simplifyVector = TRUE)
file <- hdf5r::H5File$new(request$files$data, mode = "r")
genes <- file[["var/_index"]]$read()
cells <- file[["obs/_index"]]$read()

# HDF5 keeps cells x genes row by row: a dense matrix reads as genes x cells, a sparse one has row pointers.
if (inherits(file[["X"]], "H5Group")) {
  X <- sparseMatrix(
    j = file[["X/indices"]]$read(), p = as.integer(file[["X/indptr"]]$read()), x = file[["X/data"]]$read(),
    dims = c(length(cells), length(genes)), index1 = FALSE
  )
} else {
  X <- t(file[["X"]]$read())
}

column <- file[[paste0("obs/", request$tasks$column[1])]]
if (request$tasks$kind[1] == "regression") {
  y <- column$read()
  known <- !is.na(y)
  scores <- as.vector(cor(as.matrix(X[known, ]), y[known]))^2
} else {
  code <- as.integer(column[["codes"]]$read())
  known <- code >= 0
  X <- X[known, ]
  member <- outer(code[known], sort(unique(code[known])), "==") * 1
  size <- colSums(member)
  means <- t(as.matrix(crossprod(X, member))) / size
  overall <- colMeans(X)
  between <- colSums(size * sweep(means, 2, overall)^2)
  within <- colSums(X^2) - colSums(size * means^2)
  scores <- (between / (length(size) - 1)) / (within / (sum(size) - length(size)))
}
scores[!is.finite(scores)] <- 0

best <- order(-scores)
if (!is.null(request$k)) best <- head(best, request$k)
write.csv(data.frame(gene = genes[best], score = scores[best]), request$files$answer, row.names = FALSE)
