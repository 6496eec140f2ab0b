import warnings

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from integstat.peers.cluster.estimators import GroupsMixture
from integstat.peers.cluster.kmeans import kmeans
from integstat.peers.cluster.mixture import MODELS, Model, Singular, fit_mixture, hierarchical_start, mixture_table
from integstat.peers.cluster.rows import distinct
from integstat.peers.cluster.spheres import spheres

from .clouds import from_r, islands

# Diabetes data of Reaven & Miller (1979), 145 persons: summary(Mclust(X)) in Scrucca, Fop, Murphy & Raftery (2016), mclust 5,
# The R Journal 8(1), 289-317, https://doi.org/10.32614/RJ-2016-021
PUBLISHED = {"model": "VVV", "k": 3, "log_likelihood": -2303.496, "df": 29, "bic": -4751.316}
PUBLISHED_SIZES = [81, 36, 28]
SKLEARN: dict[Model, str] = {"VII": "spherical", "VVI": "diag", "EEE": "tied", "VVV": "full"}


def test_published_answer_for_the_diabetes_data() -> None:
    read = from_r('write.csv(mclust::diabetes[, c("glucose", "insulin", "sspg")], row.names = FALSE)', "mclust")
    points = np.array(read[1:], dtype=float)
    assert points.shape == (145, 3)
    table = mixture_table(points)
    assert len(table) == 9 * 6
    best = table.loc[table["bic"].idxmax()]
    assert (best["model"], best["k"], best["df"]) == (PUBLISHED["model"], PUBLISHED["k"], PUBLISHED["df"])
    assert best["log_likelihood"] == pytest.approx(PUBLISHED["log_likelihood"], abs=0.05)
    assert best["bic"] == pytest.approx(PUBLISHED["bic"], abs=0.1)
    fitted = GroupsMixture(3, covariance="VVV", start="ward", prior=0.0).fit(points)
    assert sorted(np.bincount(fitted.labels_), reverse=True) == PUBLISHED_SIZES
    assert fitted.bic_ == pytest.approx(best["bic"])


@pytest.mark.parametrize("model", MODELS)
def test_one_component_is_the_gaussian_of_the_data(model: Model) -> None:
    rng = np.random.default_rng(1)
    points = rng.normal(size=(40, 3)) @ rng.normal(size=(3, 3))
    full = np.cov(points.T, bias=True)
    axes = np.diag(np.diag(full))
    covariance = (
        {"I": np.trace(full) / 3 * np.eye(3), "E": full, "V": full}[model[2]] if model[1] != "E" or model[2] == "E" else axes
    )
    covariance = axes if model in ("EEI", "VVI") else covariance
    row = mixture_table(points, [1], [model]).iloc[0]
    expected = multivariate_normal(points.mean(axis=0), covariance).logpdf(points).sum()
    assert row["log_likelihood"] == pytest.approx(expected)
    assert row["df"] == {"II": 4, "EI": 6, "VI": 6, "EE": 9, "VV": 9}[model[1:]]
    assert row["bic"] == pytest.approx(2 * expected - row["df"] * np.log(40))


@pytest.mark.parametrize("model", SKLEARN)
def test_scikit_learn_stays_where_the_fit_ended(model: Model) -> None:
    points, _ = islands(3, 25, noise=1.5)
    rows = distinct(points)
    ours = fit_mixture(rows, hierarchical_start(rows, [3])[0], model, tolerance=1e-12)
    covariances = {
        "VII": ours.covariances[:, 0, 0],
        "VVI": np.diagonal(ours.covariances, axis1=1, axis2=2),
        "EEE": ours.covariances[0],
        "VVV": ours.covariances,
    }[model]
    precisions = 1 / covariances if model in ("VII", "VVI") else np.linalg.inv(covariances)
    theirs = GaussianMixture(
        3,
        covariance_type=SKLEARN[model],
        weights_init=ours.shares,
        means_init=ours.means,
        precisions_init=precisions,
        reg_covar=0.0,
        max_iter=2,
        tol=0.0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two rounds, no convergence asked for
        theirs.fit(points)
    assert theirs.score(points) * 75 == pytest.approx(ours.log_likelihood, abs=1e-6)
    assert theirs.bic(points) == pytest.approx(-ours.bic(75.0), abs=1e-5)
    assert theirs.means_ == pytest.approx(ours.means, abs=1e-4)


def test_covariances_are_of_the_kind_asked_for() -> None:
    points = np.random.default_rng(2).normal(size=(60, 2)) * np.array([1.0, 3.0])
    rows = distinct(points)
    start = hierarchical_start(rows, [3])[0]
    for model in MODELS:
        fit = fit_mixture(rows, start, model)
        assert (fit.covariances == fit.covariances[0]).all() == (model[0] == "E")
        assert (fit.covariances[:, 0, 1] == 0.0).all() == (model[2] == "I")
        assert (fit.covariances[:, 0, 0] == fit.covariances[:, 1, 1]).all() == (model[1:] == "II")


def test_compiled_spheres_are_the_mixture_of_round_components() -> None:
    points = np.random.default_rng(3).normal(size=(50, 4))
    rows = distinct(np.repeat(points, np.random.default_rng(4).integers(1, 3, 50), axis=0))
    ours = spheres(rows, 3, np.random.default_rng(5), 1, tolerance=1e-12, max_iter=5000)
    start = kmeans(rows.points, rows.weight, 3, np.random.default_rng(5), 1).labels
    slow = fit_mixture(rows, start, "VII", prior=1.0, tolerance=1e-12)
    assert ours.log_likelihood == pytest.approx(slow.log_likelihood, abs=1e-5)
    assert ours.variances == pytest.approx(slow.covariances[:, 0, 0], abs=1e-4)
    joint = slow.log_densities(rows.points)
    assert ours.responsibilities(rows.columns).argmax(axis=0) == pytest.approx(joint.argmax(axis=1))


def test_without_a_prior_a_component_may_have_no_bound_and_says_so() -> None:
    points = np.vstack([np.random.default_rng(6).normal(size=(12, 2)), np.full((4, 2), 9.0)])
    rows = distinct(points)
    with pytest.raises(Singular):
        fit_mixture(rows, (rows.points[:, 0] > 8).astype(int), "VII")
    table = mixture_table(points, [1, 2], ["VII"])
    assert np.isfinite(table["bic"][0])
    assert np.isnan(table["bic"][1])
    assert np.isfinite(mixture_table(points, [1, 2], prior=1.0)["bic"]).all()


def test_the_table_goes_no_further_than_the_rows_differ() -> None:
    assert mixture_table(np.array([[0.0], [0.0], [1.0]]), range(1, 10), ["EII"])["k"].tolist() == [1, 2]


def test_bic_finds_the_number_of_round_groups() -> None:
    points, _ = islands(4, 15)
    table = mixture_table(points, range(1, 8), ["EII", "VII"], prior=1.0)
    assert table.loc[table["bic"].idxmax(), "k"] == 4


def test_probabilities_sum_to_one_and_agree_with_the_groups() -> None:
    points = np.random.default_rng(7).normal(size=(40, 3))
    for covariance in MODELS:
        fitted = GroupsMixture(3, covariance=covariance, random_state=1).fit(points)
        probability = fitted.predict_proba(points)
        assert probability.sum(axis=1) == pytest.approx(np.ones(40))
        assert (probability.argmax(axis=1) == fitted.labels_).all()
        assert fitted.weights_.sum() == pytest.approx(1.0)


def test_unknown_covariance_or_start_is_refused() -> None:
    for wrong in ({"covariance": "oval"}, {"start": "nowhere"}):
        with pytest.raises(ValueError, match="unknown"):
            GroupsMixture(2, **wrong).fit(np.eye(4))
